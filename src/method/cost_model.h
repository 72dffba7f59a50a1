#pragma once

#include <cstdint>
#include <vector>

#include "base/exact_sum.h"
#include "method/training.h"
#include "model/spec.h"

namespace incubate {

/// What a training costs in parameters, bytes and time, computed from its description alone. Pure functions.

/// Parameters of a stage: (4 + 2r) D^2 + (9 + r) D a block of width D and MLP ratio r (its four linear layers with
/// biases, two norms), less 3 D without the bias of queries, keys and values, 2 D more with LayerScale, and what the
/// first and the last stage own beside blocks (see VitStage).
std::int64_t num_stage_parameters(const ModelSpec& spec, std::int64_t stage_index);
std::int64_t num_parameters(const ModelSpec& spec);
/// Of the stages that learn.
std::int64_t num_learning_parameters(const Training& training);

/// A step's micro-batches: M = B / b.
std::int64_t micro_batches_of(const RunConfig& config, Phase phase);

/// Bytes of the sums that the ranks of a group exchange in a step: a 64-bit integer a learning parameter with
/// Sums::exact, else a float.
std::int64_t reduced_bytes_per_step(const Training& training, Sums sums);

/// Seconds that an all-reduce of `bytes` takes in a ring of `num_ranks`, each sending `bytes_per_s`: 2 (n-1)/n of the
/// bytes pass through every rank, which no algorithm undercuts (Patarasuk and Yuan, J. Parallel Distrib. Comput. 69,
/// 2009). Latencies are left out. 0 if `bytes_per_s` is 0: it is not known.
double ring_all_reduce_s(std::int64_t bytes, std::int64_t num_ranks, double bytes_per_s);

/// Memory of a rank in bytes. Not counted: the working memory of kernels and of backward passes (a few times the
/// largest activation; while the activations are free, also 16 bytes a learning parameter with Sums::exact on a GPU,
/// and 4 with an average that is exchanged for an evaluation), the images of the data file and the copy of the state
/// that a leader's checkpoint is written from, which are in host memory, LibTorch itself, and the gaps in
/// FlatParameters.
struct Memory {
  std::int64_t weights = 0;      ///< fp32, frozen stages included
  std::int64_t gradients = 0;    ///< fp32, of learning parameters, as are the next three
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
};
MemorySettings memory_settings(const RunConfig& config, Phase phase);

/// Of a rank that carries on `trainings`, all of one phase. They share frozen stages, as train_group() has it, and pass
/// a micro-batch one after the other.
Memory memory_per_rank(const std::vector<const Training*>& trainings, const MemorySettings& settings);

/// Bytes that a block keeps of one image for its backward pass, in fp32: of T tokens and H heads, with width D,
///   4 T ((8 + 2r) D + 4 + H) if it learns: the inputs of both norms (2 D), the norms' outputs (2 D), queries, keys and
///     values (3 D), attention's output (D), the MLP's hidden layer before and after GELU (2r D), mean and inverse
///     deviation of both norms (4), log-sum-exp of attention (H), and with LayerScale the branches' outputs (2 D);
///   4 T ((6 + r) D + 4 + H) if it is frozen behind a learning stage: without the inputs that its four linear layers
///     need for their weights' gradients only (the norms' outputs, GELU's), but for attention's output, which
///     attention keeps itself.
/// Attention's T^2 scores are never stored (FlashAttention, Dao et al., NeurIPS 2022), nor are the branches that
/// stochastic depth scales.
std::int64_t kept_bytes_of_block(const ModelSpec& spec, bool is_learning);

/// Bytes that a block without graph holds at most at one time for one image: 4 T (4 + 2r) D, in its MLP.
std::int64_t transient_bytes_of_block(const ModelSpec& spec);

}  // namespace incubate
