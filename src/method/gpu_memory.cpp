#include "method/gpu_memory.h"

#include <algorithm>

#include "model/gpu_activations.h"
#include "model/stage_cost.h"

namespace incubate {
namespace {

/// Of a micro-batch: what its activations take at most, and what comes on top of them while they are used.
struct Activations {
  std::int64_t kept = 0;
  std::int64_t working = 0;
};

StageUse use_of(const Training& training, std::int64_t stage_index) {
  if (training.is_learning[stage_index]) return StageUse::learning;
  return stage_index < first_learning_stage(training) ? StageUse::without_graph : StageUse::frozen;
}

Activations activations_of(const Training& training, std::int64_t micro, Recompute recompute) {
  const std::int64_t first = first_learning_stage(training);
  std::int64_t kept = image_bytes(training.spec);
  std::int64_t block = 0;
  std::int64_t alone = 0;
  std::int64_t backward = 0;
  std::int64_t weight_gradient = 0;
  for (std::int64_t i = 0; i < training.spec.num_stages(); ++i) {
    const GpuActivations stage = gpu_activations(training.spec, i, use_of(training, i));
    if (i < first) {
      alone = std::max(alone, stage.alone);
      // The last one's output is the input that the learning stage keeps.
      if (i + 1 < first) kept += stage.output;
      continue;
    }
    kept += recompute == Recompute::none ? stage.kept : stage.inputs;
    if (recompute == Recompute::blocks) block = std::max(block, stage.block);
    backward = std::max(backward, stage.backward);
    weight_gradient = std::max(weight_gradient, stage.weight_gradient);
  }
  kept += block;
  return {micro * kept, std::max((micro * backward) + weight_gradient, micro * (alone - kept))};
}

}  // namespace

GpuMemory gpu_memory_per_rank(const std::vector<const Training*>& trainings, const MemorySettings& settings,
                              Recompute recompute) {
  GpuMemory memory{.tensors = memory_per_rank(trainings, settings),
                   .libraries = kContextBytes + kCublasBytes + kNcclBytes};
  for_each_held_stage(trainings, [&](const Training& training, std::int64_t i) {
    if (training.spec.precision != Precision::bf16) return;
    memory.copies += kBfloat16Bytes * stage_cost(training.spec, i).num_product_weights;
  });
  Activations largest;
  for (const Training* training : trainings) {
    Activations activations = activations_of(*training, settings.micro, recompute);
    // Weights and their average change places by a third copy, while there are no activations.
    const std::int64_t exchange = settings.has_average ? kFloatBytes * num_learning_values(*training) : 0;
    activations.working = std::max(activations.working, exchange - activations.kept);
    if (activations.kept + activations.working > largest.kept + largest.working) largest = activations;
  }
  memory.tensors.activations = largest.kept;
  memory.working = largest.working;
  memory.reserve =
      static_cast<std::int64_t>(kFragmentation * static_cast<double>(memory.state() + largest.kept + largest.working));
  return memory;
}

std::optional<std::int64_t> find_largest_micro(const std::vector<const Training*>& trainings, MemorySettings settings,
                                               Recompute recompute, std::int64_t global_batch, const GpuCard& card) {
  for (; settings.micro > 0; --settings.micro) {
    if (global_batch % settings.micro == 0 &&
        gpu_memory_per_rank(trainings, settings, recompute).total() <= card.bytes) {
      return settings.micro;
    }
  }
  return std::nullopt;
}

GpuPlan plan_gpu(const RunConfig& config, const Training& training, std::int64_t num_ranks) {
  MemorySettings settings = memory_settings(config, training.phase);
  settings.num_ranks = num_ranks;
  GpuPlan plan{.micro = settings.micro,
               .kept = gpu_memory_per_rank({&training}, settings, Recompute::none),
               .recomputed = gpu_memory_per_rank({&training}, settings, Recompute::blocks)};
  for (std::size_t i = 0; i < kGpuCards.size(); ++i) {
    const auto largest = [&](Recompute recompute) {
      return find_largest_micro({&training}, settings, recompute, config.batch.global, kGpuCards[i]);
    };
    plan.largest_micro[i] = {largest(Recompute::none), largest(Recompute::blocks)};
  }
  return plan;
}

}  // namespace incubate
