#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/exact_sum.h"
#include "method/training.h"
#include "model/spec.h"

namespace incubate {

/// What a training costs in parameters, bytes and time, computed from its description alone (that of a stage:
/// model/stage_cost.h). Pure functions.

/// What gradients are for: running statistics of batch norm are no parameters.
std::int64_t num_stage_parameters(const ModelSpec& spec, std::int64_t stage_index);
std::int64_t num_parameters(const ModelSpec& spec);
/// Of the stages that learn.
std::int64_t num_learning_parameters(const Training& training);
/// Of them and of batch norm's running statistics in the same stages.
std::int64_t num_learning_values(const Training& training);

std::int64_t first_learning_stage(const Training& training);
/// Of one, in fp32.
std::int64_t image_bytes(const ModelSpec& spec);

/// A step's micro-batches: M = B / b.
std::int64_t micro_batches_of(const RunConfig& config, Phase phase);

/// Bytes of the sums that the ranks of a group exchange in a step: a 64-bit integer with Sums::exact, else a float,
/// for each parameter and each batch norm statistic of learning stages.
std::int64_t reduced_bytes_per_step(const Training& training, Sums sums);

/// Seconds that an all-reduce of `bytes` takes in a ring of `num_ranks`, each sending `bytes_per_s`: 2 (n-1)/n of the
/// bytes pass through every rank, which no algorithm undercuts (Patarasuk and Yuan, J. Parallel Distrib. Comput. 69,
/// 2009). Latencies are left out. 0 if `bytes_per_s` is 0: it is not known.
double ring_all_reduce_s(std::int64_t bytes, std::int64_t num_ranks, double bytes_per_s);

/// Memory of a rank in bytes, but for what gpu_memory.h says of a GPU. Not counted: the working memory of kernels and
/// of backward passes (a few times the largest activation; while the activations are free, also 4 bytes a learning
/// parameter with an average that is exchanged for an evaluation), the images of the data file and the copy of the
/// state that a leader's checkpoint is written from, which are in host memory, LibTorch itself, and the gaps in
/// FlatParameters.
struct Memory {
  std::int64_t weights = 0;      ///< fp32, running statistics and frozen stages included
  std::int64_t gradients = 0;    ///< fp32, of learning stages, as are the next three; with a micro-batch's statistics
  std::int64_t optimizer = 0;    ///< its state, fp32: AdamW's two moments, or SGD's momentum
  std::int64_t average = 0;      ///< of the weights, fp32, if there is one
  std::int64_t sums = 0;         ///< GradientReducer's buffer
  std::int64_t activations = 0;  ///< of one micro-batch

  std::int64_t total() const { return weights + gradients + optimizer + average + sums + activations; }
};

/// The settings that memory depends on.
struct MemorySettings {
  std::int64_t micro = 1;
  Sums sums = Sums::exact;
  OptimizerConfig optimizer = {};
  bool has_average = false;
  bool shard_optimizer = false;  ///< over the group's ranks
  std::int64_t num_ranks = 1;    ///< of the group
  bool is_recorded = false;      ///< passes are a CUDA graph's (see RecordedPass)
};
MemorySettings memory_settings(const RunConfig& config, Phase phase);

/// Calls `function` with each stage that a rank holds that carries on `trainings`, all of one phase: one that is frozen
/// and the same in several of them once, as train_group() has it.
void for_each_held_stage(const std::vector<const Training*>& trainings,
                         const std::function<void(const Training& training, std::int64_t stage_index)>& function);

/// Of such a rank; of a sharded optimizer's state the largest share. Trainings pass a micro-batch one after the other.
Memory memory_per_rank(const std::vector<const Training*>& trainings, const MemorySettings& settings);

}  // namespace incubate
