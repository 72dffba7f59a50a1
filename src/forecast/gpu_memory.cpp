#include "forecast/gpu_memory.h"

#include <algorithm>

#include "model/gpu_activations.h"
#include "model/stage_cost.h"

namespace incubate {
namespace {

/// Bytes of the activations of one micro-batch.
struct ActivationBytes {
  std::int64_t input = 0;     ///< of the first learning stage
  std::int64_t kept = 0;      ///< at most
  std::int64_t backward = 0;  ///< on top of them in the backward pass
  std::int64_t apart = 0;     ///< what is held while nothing is kept: by frozen stages in front, between steps

  std::int64_t working() const { return std::max(backward, apart - kept); }
};

StageUse use_of(const Training& training, std::int64_t stage_index) {
  if (training.is_learning[stage_index]) return StageUse::learning;
  return stage_index < first_learning_stage(training) ? StageUse::without_graph : StageUse::frozen;
}

ActivationBytes activations_of(const Training& training, std::int64_t micro, Recompute recompute) {
  const std::int64_t first = first_learning_stage(training);
  std::int64_t input = image_bytes(training.spec);
  std::int64_t kept = input;
  std::int64_t block = 0;
  std::int64_t alone = 0;
  std::int64_t backward = 0;
  std::int64_t weight_gradient = 0;
  for (std::int64_t i = 0; i < training.spec.num_stages(); ++i) {
    const GpuActivations stage = gpu_activations(training.spec, i, use_of(training, i));
    if (i < first) {
      alone = std::max(alone, stage.alone);
      input = stage.output;
      // The last frozen stage's output counts as the learning stage's input.
      if (i + 1 < first) kept += stage.output;
      continue;
    }
    kept += recompute == Recompute::none ? stage.kept : stage.inputs;
    if (recompute == Recompute::blocks) block = std::max(block, stage.block);
    backward = std::max(backward, stage.backward);
    weight_gradient = std::max(weight_gradient, stage.weight_gradient);
  }
  kept += kept_bytes_of_head(training) + block;
  return {.input = micro * input,
          .kept = micro * kept,
          .backward = (micro * backward) + weight_gradient,
          .apart = micro * alone};
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
  ActivationBytes largest;
  ActivationBytes sum;
  for (const Training* training : trainings) {
    ActivationBytes activations = activations_of(*training, settings.micro, recompute);
    // Weights and their average change places by a third copy.
    const std::int64_t exchange = settings.has_average ? kFloatBytes * num_learning_values(*training) : 0;
    activations.apart = std::max(activations.apart, exchange);
    if (activations.kept + activations.working() > largest.kept + largest.working()) largest = activations;
    sum.kept += activations.input + activations.kept;
    sum.backward += activations.backward;
    sum.apart = std::max(sum.apart, activations.apart);
  }
  memory.tensors.activations = settings.is_recorded ? sum.kept : largest.kept;
  memory.working = settings.is_recorded ? sum.backward + sum.apart : largest.working();
  if (settings.is_recorded) memory.libraries += kRecordedCublasBytes;
  const std::int64_t allocated = memory.state() + memory.tensors.activations + memory.working;
  memory.reserve = static_cast<std::int64_t>(kFragmentation * static_cast<double>(allocated));
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
