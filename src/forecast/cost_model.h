#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/exact_sum.h"
#include "method/training.h"
#include "model/spec.h"

namespace incubate {

/// Costs of a training in parameters, bytes and time, from its description alone (for one stage: model/stage_cost.h).
/// Pure functions.

/// Parameters of a stage, those of the head with the last one. Running statistics of batch norm are no parameters.
std::int64_t num_stage_parameters(const Training& training, std::int64_t stage_index);
std::int64_t num_parameters(const Training& training);
/// Returns the parameters of the learning stages.
std::int64_t num_learning_parameters(const Training& training);
/// Returns the parameters and running statistics of the learning stages.
std::int64_t num_learning_values(const Training& training);

/// Returns the bytes of one image in fp32.
std::int64_t image_bytes(const ModelSpec& spec);

/// Returns a step's number of micro-batches, M = B / b.
std::int64_t micro_batches_of(const RunConfig& config, Phase phase);

/// Returns the bytes that a group sums in a step. Each parameter and batch norm statistic of learning stages is a
/// 64-bit integer with Sums::exact, else a float.
std::int64_t reduced_bytes_per_step(const Training& training, Sums sums);

/// Returns the seconds of an all-reduce of `bytes` in a ring of `num_ranks`, each sending `bytes_per_s`. Each rank
/// passes on 2 (n-1)/n of the bytes, the least possible (Patarasuk and Yuan, J. Parallel Distrib. Comput. 69, 2009).
/// Latency is ignored. Returns 0 if `bytes_per_s` is 0 (unknown).
double ring_all_reduce_s(std::int64_t bytes, std::int64_t num_ranks, double bytes_per_s);

/// Memory of a rank in bytes; gpu_memory.h adds what only a GPU holds. Not counted: LibTorch itself, gaps in
/// FlatParameters, working memory of kernels, attention's weights, which only CPUs keep. Not counted in host memory:
/// the data file's images and a leader's copy of the state for checkpoints. While activations are free, evaluating an
/// average takes 4 bytes more per learning parameter, not counted either.
struct Memory {
  std::int64_t weights = 0;  ///< fp32, including running statistics and frozen stages
  std::int64_t gradients =
      0;  ///< fp32, with the micro-batch's statistics; this and the next three: of learning stages only
  std::int64_t optimizer = 0;    ///< fp32: AdamW's two moments, or SGD's momentum
  std::int64_t average = 0;      ///< of the weights, fp32, if there is one
  std::int64_t sums = 0;         ///< GradientReducer's buffer
  std::int64_t activations = 0;  ///< of one micro-batch, with what comes and goes beside those kept

  std::int64_t total() const { return weights + gradients + optimizer + average + sums + activations; }
};

/// The settings that memory depends on.
struct MemorySettings {
  std::int64_t micro = 1;
  Sums sums = Sums::exact;
  OptimizerConfig optimizer = {};
  bool has_average = false;
  bool shard_optimizer = false;  ///< across the group's ranks
  std::int64_t num_ranks = 1;    ///< in the group
  Recompute recompute = Recompute::none;
  bool is_recorded = false;  ///< passes run as a CUDA graph (see RecordedPass)
};
MemorySettings memory_settings(const RunConfig& config, Phase phase);

/// Bytes of the activations of one micro-batch.
struct ActivationBytes {
  std::int64_t input = 0;     ///< of the first learning stage
  std::int64_t kept = 0;      ///< at most
  std::int64_t backward = 0;  ///< on top of them in the backward pass
  std::int64_t apart = 0;     ///< what is held while nothing is kept: by frozen stages in front, between steps

  std::int64_t working() const { return std::max(backward, apart - kept); }
};
/// Returns the bytes for a training alone.
ActivationBytes activations_of(const Training& training, const MemorySettings& settings);

/// Calls `function` with each stage that a rank training `trainings`, all of one phase, holds. A frozen stage that
/// several trainings share is passed once, as in train_group().
void for_each_held_stage(const std::vector<const Training*>& trainings,
                         const std::function<void(const Training& training, std::int64_t stage_index)>& function);

/// Returns the memory of a rank training `trainings`, which compute one after the other. With a sharded optimizer it is
/// the rank with the largest chunk.
Memory memory_per_rank(const std::vector<const Training*>& trainings, const MemorySettings& settings);

}  // namespace incubate
