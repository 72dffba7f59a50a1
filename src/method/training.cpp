#include "method/training.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <ranges>

#include "base/check.h"
#include "config/identity.h"

namespace incubate {
namespace {

void check_data_fits(const RunConfig& config, const DatasetInfo& data) {
  const ModelConfig& model = config.model;
  check_input(data.channels == model.channels, "{} has images of {} channels but model.channels={}. Set it to {}.",
              config.data.file, data.channels, model.channels, data.channels);
  check_input(data.num_classes() == model.classes, "{} has {} classes but model.classes={}. Set it to {}.",
              config.data.file, data.num_classes(), model.classes, data.num_classes());
  check_input(data.num_train >= config.batch.global,
              "{} has {} training images, fewer than batch.global={} (an epoch is a number of whole batches). "
              "Use a batch of {} or less.",
              config.data.file, data.num_train, config.batch.global, data.num_train);
}

std::int64_t steps_of(const Epochs& epochs, std::int64_t steps_per_epoch) {
  return std::max<std::int64_t>(1, std::llround(epochs.count * static_cast<double>(steps_per_epoch)));
}

/// A training that does not resize images needs them in the model's size.
void check_image_size(const RunConfig& config, const DatasetInfo& data, const Training& training) {
  if (config.phase(training.phase).crop == Crop::resized) return;
  check_input(data.height > 0,
              "{} has images of different sizes but {}.crop={}. Set it to resized, which makes them equal.",
              config.data.file, section_of(training.phase),
              config.phase(training.phase).crop == Crop::none ? "none" : "padding");
  const std::int64_t side = training.spec.image_size;
  check_input(data.height == side && data.width == side,
              "{} has images of {}x{} pixels but {}.image_size={}. Set it to the images' size, or {}.crop=resized.",
              config.data.file, data.height, data.width, side == config.model.image_size ? "model" : "high_resolution",
              side, section_of(training.phase));
}

/// Completes a training whose parents are in `done`.
Training complete(Training training, const RunConfig& config, const DatasetInfo& data,
                  const std::vector<Training>& before) {
  training.spec.precision = config.run.precision;
  training.spec.recompute = config.run.recompute;
  training.block_flops_per_image = block_training_flops(training.spec, training.is_learning);
  std::string learning;
  for (const bool learns : training.is_learning) learning += learns ? "1" : "0";
  training.identity_text = "training=" + training.name + "\n" + result_settings(config, training.phase) +
                           "depths=" + depths_text(training.spec) + "\nlearning=" + learning +
                           "\nsteps=" + std::to_string(training.total_steps) + "\ndata=" + data.digest + "\n";
  for (const std::string& parent : training.parents()) {
    const auto found = std::ranges::find(before, parent, &Training::name);
    training.identity_text += parent + "=" + found->identity + "\n";
  }
  training.identity = hash_text(training.identity_text);
  return training;
}

/// The steps that spend `block_flops` best.
std::int64_t matched_steps(const Training& training, double block_flops, std::int64_t global_batch) {
  const double per_step = block_training_flops(training.spec, training.is_learning) * static_cast<double>(global_batch);
  return std::max<std::int64_t>(1, std::llround(block_flops / per_step));
}

/// Marks what the configuration names, and what that starts from.
void choose(const RunConfig& config, std::vector<Training>& trainings) {
  std::vector<std::string> names = config.method.trainings;
  names.push_back(config.run.only);
  std::ranges::replace(names, "deep_incubation", "finetuned");  // which starts from all the others
  for (Training& training : std::views::reverse(trainings)) {
    training.is_chosen = std::ranges::count(names, training.name) > 0;
    if (training.is_chosen) std::ranges::copy(training.parents(), std::back_inserter(names));
  }
}

}  // namespace

std::vector<std::string> Training::parents() const {
  std::vector<std::string> names;
  for (const std::string& source : weight_sources) {
    if (!source.empty() && std::ranges::find(names, source) == names.end()) names.push_back(source);
  }
  return names;
}

std::vector<Training> list_trainings(const RunConfig& config, const DatasetInfo& data) {
  check_data_fits(config, data);
  const std::int64_t num_stages = config.model.num_stages();
  const std::int64_t steps_per_epoch = data.num_train / config.batch.global;
  const auto for_all = [num_stages](auto value) { return std::vector<decltype(value)>(num_stages, value); };
  const std::string none;
  std::vector<Training> list;
  const auto add = [&](Training training) { list.push_back(complete(std::move(training), config, data, list)); };

  add({.name = "meta",
       .phase = Phase::meta,
       .spec = meta_spec(config.model),
       .is_learning = for_all(true),
       .starts = for_all(Start::random),
       .weight_sources = for_all(none),
       .total_steps = steps_of(config.meta.epochs, steps_per_epoch)});
  std::vector<std::string> stage_names;
  for (std::int64_t i = 0; i < num_stages; ++i) {
    const bool is_grown = config.incubation.init == Init::meta;
    std::vector<bool> only_this = for_all(false);
    only_this[i] = true;
    std::vector<Start> starts = for_all(Start::copy);
    starts[i] = is_grown ? Start::grow : Start::random;
    std::vector<std::string> sources = for_all(std::string("meta"));
    if (!is_grown) sources[i] = none;
    stage_names.push_back("stage_" + std::to_string(i));
    add({.name = stage_names.back(),
         .phase = Phase::incubation,
         .spec = hybrid_spec(config.model, i),
         .is_learning = only_this,
         .starts = starts,
         .weight_sources = sources,
         .total_steps = steps_of(config.incubation.epochs, steps_per_epoch)});
  }
  add({.name = "finetuned",
       .phase = Phase::finetuning,
       .spec = target_spec(config.model),
       .is_learning = for_all(true),
       .starts = for_all(Start::copy),
       .weight_sources = stage_names,
       .total_steps = steps_of(config.finetuning.epochs, steps_per_epoch)});

  double budget = 0;  // what Deep Incubation spends
  for (const Training& training : list) budget += training.block_flops(config.batch.global);
  const double meta_flops = list.front().block_flops(config.batch.global);
  const auto add_control = [&](Training control, double block_flops) {
    const Epochs& epochs = config.phase(control.phase).epochs;
    control.total_steps =
        epochs.matched ? matched_steps(control, block_flops, config.batch.global) : steps_of(epochs, steps_per_epoch);
    add(std::move(control));
  };
  add_control({.name = "end_to_end",
               .phase = Phase::end_to_end,
               .spec = target_spec(config.model),
               .is_learning = for_all(true),
               .starts = for_all(config.end_to_end.init == Init::zero_branches ? Start::zero_branches : Start::random),
               .weight_sources = for_all(none)},
              budget);
  add_control({.name = "grown",
               .phase = Phase::grown,
               .spec = target_spec(config.model),
               .is_learning = for_all(true),
               .starts = for_all(Start::grow),
               .weight_sources = for_all(std::string("meta"))},
              budget - meta_flops);
  add_control({.name = "shallow",
               .phase = Phase::shallow,
               .spec = meta_spec(config.model),
               .is_learning = for_all(true),
               .starts = for_all(Start::random),
               .weight_sources = for_all(none)},
              budget);
  const auto add_high_resolution = [&](Phase phase, const std::string& source) {
    ModelSpec spec = target_spec(config.model);
    spec.image_size = config.image_size(phase);
    add({.name = to_string(phase),
         .phase = phase,
         .spec = spec,
         .is_learning = for_all(true),
         .starts = for_all(Start::resample),
         .weight_sources = for_all(source),
         .total_steps = steps_of(config.phase(phase).epochs, steps_per_epoch)});
  };
  add_high_resolution(Phase::high_resolution, "finetuned");
  add_high_resolution(Phase::end_to_end_high_resolution, "end_to_end");
  choose(config, list);
  for (const Training& training : list) {
    if (training.is_chosen) check_image_size(config, data, training);
  }
  return list;
}

bool is_wanted(const RunConfig& config, const Training& training) {
  return config.run.only.empty() ? training.is_chosen : config.run.only == training.name;
}

bool have_same_frozen_stage(const Training& a, const Training& b, std::int64_t index) {
  return !a.is_learning[index] && !b.is_learning[index] && a.weight_sources[index] == b.weight_sources[index] &&
         a.spec.depths[index] == b.spec.depths[index];
}

const Training& find_training(const std::vector<Training>& trainings, const std::string& name) {
  const auto found = std::ranges::find(trainings, name, &Training::name);
  std::string known;
  for (const Training& training : trainings) known += (known.empty() ? "" : ", ") + training.name;
  check_input(found != trainings.end(), "--training={} is not a training of this method. Give one of {}.", name, known);
  return *found;
}

}  // namespace incubate
