#include "forecast/gpu_memory.h"

#include <algorithm>

#include "model/stage_cost.h"

namespace incubate {
GpuMemory gpu_memory_per_rank(const std::vector<const Training*>& trainings, const MemorySettings& settings) {
  GpuMemory memory{.tensors = memory_per_rank(trainings, settings),
                   .libraries = kContextBytes + kCublasBytes + kNcclBytes};
  for_each_held_stage(trainings, [&](const Training& training, std::int64_t i) {
    if (training.spec.precision != Precision::bf16) return;
    memory.copies += kBfloat16Bytes * stage_cost(training.spec, i).num_product_weights;
  });
  ActivationBytes largest;
  ActivationBytes sum;
  for (const Training* training : trainings) {
    ActivationBytes activations = activations_of(*training, settings);
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
                                               std::int64_t global_batch, const GpuCard& card) {
  for (; settings.micro > 0; --settings.micro) {
    if (global_batch % settings.micro == 0 && gpu_memory_per_rank(trainings, settings).total() <= card.bytes) {
      return settings.micro;
    }
  }
  return std::nullopt;
}

GpuPlan plan_gpu(const RunConfig& config, const Training& training, std::int64_t num_ranks) {
  MemorySettings kept = memory_settings(config, training.phase);
  kept.num_ranks = num_ranks;
  kept.recompute = Recompute::none;
  MemorySettings recomputed = kept;
  recomputed.recompute = Recompute::blocks;
  GpuPlan plan{.micro = kept.micro,
               .kept = gpu_memory_per_rank({&training}, kept),
               .recomputed = gpu_memory_per_rank({&training}, recomputed)};
  for (std::size_t i = 0; i < kGpuCards.size(); ++i) {
    plan.largest_micro[i] = {find_largest_micro({&training}, kept, config.batch.global, kGpuCards[i]),
                             find_largest_micro({&training}, recomputed, config.batch.global, kGpuCards[i])};
  }
  return plan;
}

}  // namespace incubate
