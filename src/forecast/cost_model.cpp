#include "forecast/cost_model.h"

#include <algorithm>

#include "base/share.h"
#include "model/stage_cost.h"
#include "train/optimizer.h"

namespace incubate {
namespace {

std::int64_t first_learning_stage(const Training& training) {
  return std::ranges::find(training.is_learning, true) - training.is_learning.begin();
}

StageUse use_of(const Training& training, std::int64_t stage_index) {
  if (training.is_learning[stage_index]) return StageUse::learning;
  return stage_index < first_learning_stage(training) ? StageUse::without_graph : StageUse::frozen;
}

/// Parameters and running statistics of a stage.
std::int64_t num_values(const Training& training, std::int64_t stage_index) {
  return num_stage_parameters(training, stage_index) + stage_cost(training.spec, stage_index).num_statistics;
}

/// Returns the parameters with optimizer state on the last rank, whose chunk is the largest.
std::int64_t num_values_with_state(const Training& training, const MemorySettings& settings) {
  const std::int64_t all = num_learning_parameters(training);
  if (!settings.shard_optimizer) return all;
  return chunk_of(all, settings.num_ranks - 1, settings.num_ranks).size();
}

}  // namespace

std::int64_t num_stage_parameters(const Training& training, std::int64_t stage_index) {
  const bool is_last = stage_index + 1 == training.spec.num_stages();
  return stage_cost(training.spec, stage_index).num_parameters + (is_last ? training.head.num_parameters : 0);
}

std::int64_t num_parameters(const Training& training) {
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < training.spec.num_stages(); ++i) count += num_stage_parameters(training, i);
  return count;
}

std::int64_t num_learning_parameters(const Training& training) {
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < training.spec.num_stages(); ++i) {
    if (training.is_learning[i]) count += num_stage_parameters(training, i);
  }
  return count;
}

std::int64_t num_learning_values(const Training& training) {
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < training.spec.num_stages(); ++i) {
    if (training.is_learning[i]) count += num_values(training, i);
  }
  return count;
}

std::int64_t image_bytes(const ModelSpec& spec) {
  return kFloatBytes * spec.channels * spec.image_size * spec.image_size;
}

std::int64_t micro_batches_of(const RunConfig& config, Phase phase) {
  return config.batch.global / config.phase(phase).micro;
}

std::int64_t reduced_bytes_per_step(const Training& training, Sums sums) {
  const std::int64_t bytes_each = sums == Sums::exact ? sizeof(std::int64_t) : sizeof(float);
  return num_learning_values(training) * bytes_each;
}

double ring_all_reduce_s(std::int64_t bytes, std::int64_t num_ranks, double bytes_per_s) {
  if (bytes_per_s == 0) return 0;
  const auto ranks = static_cast<double>(num_ranks);
  return 2 * (ranks - 1) / ranks * static_cast<double>(bytes) / bytes_per_s;
}

MemorySettings memory_settings(const RunConfig& config, Phase phase) {
  return {.micro = config.phase(phase).micro,
          .sums = sums_of(config.run),
          .optimizer = config.optimizer,
          .has_average = config.phase(phase).ema_decay > 0,
          .shard_optimizer = config.run.shard_optimizer,
          .recompute = config.run.recompute,
          .is_recorded = config.run.cuda_graph && config.phase(phase).drop_path == 0};
}

void for_each_held_stage(const std::vector<const Training*>& trainings,
                         const std::function<void(const Training&, std::int64_t)>& function) {
  for (auto it = trainings.begin(); it != trainings.end(); ++it) {
    const Training& training = **it;
    for (std::int64_t i = 0; i < training.spec.num_stages(); ++i) {
      const bool is_shared = std::any_of(
          trainings.begin(), it, [&](const Training* before) { return have_same_frozen_stage(training, *before, i); });
      if (!is_shared) function(training, i);
    }
  }
}

ActivationBytes activations_of(const Training& training, const MemorySettings& settings) {
  const std::int64_t first = first_learning_stage(training);
  std::int64_t input = image_bytes(training.spec);
  std::int64_t kept = input;
  std::int64_t block = 0;
  std::int64_t alone = 0;
  std::int64_t backward = 0;
  std::int64_t weight_gradient = 0;
  for (std::int64_t i = 0; i < training.spec.num_stages(); ++i) {
    const StageActivations stage = stage_activations(training.spec, i, use_of(training, i));
    if (i < first) {
      alone = std::max(alone, stage.alone);
      input = stage.output;
      // The last frozen stage's output counts as the learning stage's input.
      if (i + 1 < first) kept += stage.output;
      continue;
    }
    kept += settings.recompute == Recompute::none ? stage.kept : stage.inputs;
    if (settings.recompute == Recompute::blocks) block = std::max(block, stage.block);
    backward = std::max(backward, stage.backward);
    weight_gradient = std::max(weight_gradient, stage.weight_gradient);
  }
  kept += (training.is_learning.back() ? training.head.kept_bytes : training.head.frozen_kept_bytes) + block;
  return {.input = settings.micro * input,
          .kept = settings.micro * kept,
          .backward = (settings.micro * backward) + weight_gradient,
          .apart = settings.micro * alone};
}

Memory memory_per_rank(const std::vector<const Training*>& trainings, const MemorySettings& settings) {
  const auto num_states = static_cast<std::int64_t>(list_state_names(settings.optimizer).size());
  Memory memory;
  for_each_held_stage(trainings, [&](const Training& training, std::int64_t i) {
    memory.weights += kFloatBytes * num_values(training, i);
  });
  for (const Training* training : trainings) {
    const std::int64_t learning_bytes = kFloatBytes * num_learning_values(*training);
    memory.gradients += learning_bytes;
    memory.optimizer += num_states * kFloatBytes * num_values_with_state(*training, settings);
    if (settings.has_average) memory.average += learning_bytes;
    memory.sums += reduced_bytes_per_step(*training, settings.sums);
    const ActivationBytes activations = activations_of(*training, settings);
    memory.activations = std::max(memory.activations, activations.kept + activations.working());
  }
  return memory;
}

}  // namespace incubate
