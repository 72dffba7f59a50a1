#include "method/training.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "config/identity.h"

namespace incubate {
namespace {

/// Whether every training brings images of any size to the model's.
bool always_resizes(const RunConfig& config) {
  const std::array<Phase, 4> phases = {Phase::meta, Phase::incubation, Phase::finetuning, Phase::end_to_end};
  return std::ranges::all_of(phases, [&](Phase phase) { return config.phase(phase).crop == Crop::resized; });
}

void check_data_fits(const RunConfig& config, const DatasetInfo& data) {
  const ModelConfig& model = config.model;
  check_input(always_resizes(config) || (data.height == model.image_size && data.width == model.image_size),
              "{} has images of {}x{} pixels but model.image_size={}. Set it to the images' size.", config.data.file,
              data.height, data.width, model.image_size);
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

std::string join(const std::vector<std::int64_t>& values) { return to_text(values); }

/// Completes a training whose parents are in `done`.
Training complete(Training training, const RunConfig& config, const DatasetInfo& data,
                  const std::vector<Training>& before) {
  training.block_flops_per_image = block_training_flops(training.spec, training.is_learning);
  std::string learning;
  for (const bool learns : training.is_learning) learning += learns ? "1" : "0";
  training.identity_text = "training=" + training.name + "\n" + result_settings(config, training.phase) +
                           "depths=" + join(training.spec.depths) + "\nlearning=" + learning +
                           "\nsteps=" + std::to_string(training.total_steps) + "\ndata=" + data.digest + "\n";
  for (const std::string& parent : training.parents()) {
    const auto found = std::ranges::find(before, parent, &Training::name);
    training.identity_text += parent + "=" + found->identity + "\n";
  }
  training.identity = hash_text(training.identity_text);
  return training;
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
  const std::vector<bool> all(num_stages, true);
  const std::vector<std::string> random(num_stages);
  std::vector<Training> list;
  const auto add = [&](Training training) { list.push_back(complete(std::move(training), config, data, list)); };

  add({.name = "meta",
       .phase = Phase::meta,
       .spec = meta_spec(config.model),
       .is_learning = all,
       .weight_sources = random,
       .total_steps = steps_of(config.meta.epochs, steps_per_epoch)});
  std::vector<std::string> stage_names;
  for (std::int64_t i = 0; i < num_stages; ++i) {
    std::vector<bool> only_this(num_stages, false);
    only_this[i] = true;
    std::vector<std::string> sources(num_stages, "meta");
    sources[i] = "";
    stage_names.push_back("stage_" + std::to_string(i));
    add({.name = stage_names.back(),
         .phase = Phase::incubation,
         .spec = hybrid_spec(config.model, i),
         .is_learning = only_this,
         .weight_sources = sources,
         .total_steps = steps_of(config.incubation.epochs, steps_per_epoch)});
  }
  add({.name = "finetuned",
       .phase = Phase::finetuning,
       .spec = target_spec(config.model),
       .is_learning = all,
       .weight_sources = stage_names,
       .total_steps = steps_of(config.finetuning.epochs, steps_per_epoch)});

  Training baseline{.name = "end_to_end",
                    .phase = Phase::end_to_end,
                    .spec = target_spec(config.model),
                    .is_learning = all,
                    .weight_sources = random,
                    .total_steps = steps_of(config.end_to_end.epochs, steps_per_epoch)};
  if (config.end_to_end.epochs.matched) {
    double spent = 0;
    for (const Training& training : list) spent += training.block_flops(config.batch.global);
    const double per_step = block_training_flops(baseline.spec, all) * static_cast<double>(config.batch.global);
    baseline.total_steps = std::max<std::int64_t>(1, std::llround(spent / per_step));
  }
  add(std::move(baseline));
  return list;
}

}  // namespace incubate
