#include "method/training.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <ranges>
#include <stdexcept>

#include "base/check.h"
#include "config/identity.h"
#include "config/parse.h"
#include "tasks/task.h"

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
  if (epochs.steps > 0) return epochs.steps;
  return std::max<std::int64_t>(1, std::llround(epochs.count * static_cast<double>(steps_per_epoch)));
}

/// Throws InputError unless the training resizes images or the data have the model's image size.
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

/// Throws InputError if the training would change colours of more than 8 bits.
void check_colours(const RunConfig& config, const DatasetInfo& data, const Training& training) {
  const PhaseConfig& phase = config.phase(training.phase);
  check_input(data.value_bytes == 1 || (phase.rand_augment.empty() && phase.color_jitter == 0),
              "{} has images of {} bits but {}.{} knows 8-bit colours only. Switch it off.", config.data.file,
              8 * data.value_bytes, section_of(training.phase),
              phase.rand_augment.empty() ? "color_jitter" : "rand_augment");
}

/// Returns `training` completed. REQUIRES: `before` has its parents.
Training complete(Training training, const RunConfig& config, const DatasetInfo& data,
                  const std::vector<Training>& before) {
  training.spec.precision = config.run.precision;
  training.spec.recompute = config.run.recompute;
  training.head = make_task(config, training.phase)->head_cost(training.spec);
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

/// Returns the number of steps whose block FLOPs are nearest to `block_flops`, at least 1.
std::int64_t matched_steps(const Training& training, double block_flops, std::int64_t global_batch) {
  const double per_step = block_training_flops(training.spec, training.is_learning) * static_cast<double>(global_batch);
  return std::max<std::int64_t>(1, std::llround(block_flops / per_step));
}

/// Marks the trainings that the configuration names, and their ancestors.
void choose(const RunConfig& config, std::vector<Training>& trainings) {
  std::vector<std::string> names = {config.run.only};
  for (const std::string& name : config.method.trainings) {
    const MethodRow* row = find_row(name);  // matches a method's name too
    names.push_back(row != nullptr && name == row->choice ? row->training : name);
  }
  for (Training& training : std::views::reverse(trainings)) {
    training.is_chosen = std::ranges::count(names, training.name) > 0;
    if (training.is_chosen) std::ranges::copy(training.parents(), std::back_inserter(names));
  }
}

ModelSpec spec_of(const RunConfig& config, const MethodRow& row, std::int64_t incubated_stage) {
  ModelSpec spec = row.network == Network::meta     ? meta_spec(config.model)
                   : row.network == Network::hybrid ? hybrid_spec(config.model, incubated_stage)
                                                    : target_spec(config.model);
  spec.image_size = config.image_size(row.phase);
  return spec;
}

Start start_of(const MethodRow& row, Init init, bool learns) {
  switch (row.first_weights) {
    case FirstWeights::random:
      return init == Init::zero_branches ? Start::zero_branches : Start::random;
    case FirstWeights::copied:
      if (row.network != Network::hybrid || !learns) return Start::copy;
      return init == Init::meta ? Start::grow : Start::random;
    case FirstWeights::grown:
      return Start::grow;
    case FirstWeights::resampled:
      return Start::resample;
    case FirstWeights::transferred:
      return Start::transfer;
  }
  throw std::logic_error("unknown first weights");
}

/// Returns the training of `row`, without its length. `incubated_stage` is the hybrid's random stage.
Training make_training(const RunConfig& config, const MethodRow& row, std::int64_t incubated_stage) {
  Training training{.name = training_name(row, incubated_stage),
                    .phase = row.phase,
                    .spec = spec_of(config, row, incubated_stage),
                    .is_learning = {},
                    .weight_sources = {},
                    .transfer = config.transfer};
  for (std::int64_t i = 0; i < config.model.num_stages(); ++i) {
    const bool learns = row.network != Network::hybrid || i == incubated_stage;
    const Start start = start_of(row, config.phase(row.phase).init, learns);
    const bool has_source = start == Start::copy || start == Start::grow || start == Start::resample;
    training.is_learning.push_back(learns);
    training.starts.push_back(start);
    training.weight_sources.push_back(has_source ? training_name(row_of(*row.source), i) : "");
  }
  return training;
}

/// Returns the block FLOPs of all trainings of `phases`.
double sum_flops(const std::vector<Training>& trainings, const std::vector<Phase>& phases, std::int64_t global_batch) {
  double sum = 0;
  for (const Training& training : trainings) {
    if (std::ranges::count(phases, training.phase) > 0) sum += training.block_flops(global_batch);
  }
  return sum;
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
  const std::int64_t steps_per_epoch = data.num_train / config.batch.global;
  std::vector<Training> list;
  for (const MethodRow& row : kMethodTable) {
    const std::int64_t count = row.network == Network::hybrid ? config.model.num_stages() : 1;
    for (std::int64_t i = 0; i < count; ++i) {
      Training training = make_training(config, row, i);
      const Epochs& epochs = config.phase(row.phase).epochs;
      if (epochs.matched && epochs.steps == 0) {
        std::vector<Phase> sources = lineage_of(row.phase);
        sources.pop_back();
        const double flops = sum_flops(list, lineage_of(Phase::finetuning), config.batch.global) -
                             sum_flops(list, sources, config.batch.global);
        training.total_steps = matched_steps(training, flops, config.batch.global);
      } else {
        training.total_steps = steps_of(epochs, steps_per_epoch);
      }
      list.push_back(complete(std::move(training), config, data, list));
    }
  }
  RunConfig copy = config;
  const std::string text = print_settings(incubate::list_settings(copy));
  for (Training& training : list) {
    training.config = text;
    training.data = data;
  }
  choose(config, list);
  for (const Training& training : list) {
    if (!training.is_chosen) continue;
    check_image_size(config, data, training);
    check_colours(config, data, training);
  }
  return list;
}

DatasetInfo imagine_dataset(const ModelConfig& model, std::int64_t num_images) {
  return {.num_train = num_images,
          .num_validation = 0,
          .height = model.image_size,
          .width = model.image_size,
          .channels = model.channels,
          .class_names = std::vector<std::string>(model.classes),
          .digest = ""};
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
