#pragma once

#include <cstdint>

#include "model/spec.h"

namespace incubate {

/// What becomes of a stage in a training: no gradient is wanted of what flows into it, so that it records no graph; it
/// is frozen behind a learning stage, and gradients pass through; it learns.
enum class StageUse { without_graph, frozen, learning };

/// Bytes that the activations of a stage without its head take on a GPU, for one image but for the last, by formula:
/// what ATen's operations save (see ops/), in the types that they have with the network's precision. Stochastic depth
/// is left out: all samples count, so that no draw needs more.
struct GpuActivations {
  std::int64_t kept = 0;    ///< for its backward pass
  std::int64_t inputs = 0;  ///< the same if blocks are computed anew in it: what flows into them
  std::int64_t block = 0;   ///< most that a block then adds while its turn lasts, with its outputs and their gradients
  std::int64_t backward = 0;         ///< most that its backward pass holds beside what is kept
  std::int64_t alone = 0;            ///< most that it holds at one time without a graph, beside its output
  std::int64_t output = 0;           ///< what it passes on
  std::int64_t weight_gradient = 0;  ///< of its largest product, before it is added to its buffer; of any images
};

/// Of stage `stage_index` of the network `spec`.
GpuActivations gpu_activations(const ModelSpec& spec, std::int64_t stage_index, StageUse use);

/// A block of a vision transformer takes T tokens of width D and gives Q: all, or of the last one the class token. With
/// H heads, MLP ratio r and e bytes a value of a branch (2 in bfloat16, else 4) it keeps
///   T ((4 + 3 e) D + 8) + Q ((4 + (1 + r) e) D + 8 + 4 H): x before both norms in fp32 (ops/residual_norm) with mean
///     and inverse deviation; queries, keys and values, which are parts of one sum with the bias, attention's output
///     and log-sum-exp (FlashAttention, Dao et al., NeurIPS 2022, which never stores the scores: at::
///     scaled_dot_product_attention takes it in bfloat16, its memory-efficient kernel in fp32); the MLP's hidden layer
///     before GELU;
///   if it learns, also T e D + Q (1 + r) e D: what its other three products take (attention's output is kept
///     already), and with LayerScale 8 Q D: both branches in fp32.
///
/// What flows into a block is x in fp32 and, but for a stage's first block, the values of the branch before. One that
/// is computed anew makes its last branch's values again, and their and x's gradients wait for it, 4 D + 2 e D. A
/// learning first stage also keeps its patches; the last one what the final norm takes.
///
/// The backward pass holds at most (what it has freed by then is not deducted) the gradient of x in fp32 and of a
/// branch 2 r D e in GELU, or 8 D e where the gradients of queries, keys and values are put together from three tensors
/// of the whole's size. Without a graph a block holds x three times with a branch's values, and the hidden layer three
/// times: as the product, with the bias, and behind GELU.
GpuActivations vit_gpu_activations(const ModelSpec& spec, std::int64_t stage_index, StageUse use);

/// Of a residual network, which computes in fp32, kept and held alone is what resnet_stage_cost() says: a convolution
/// keeps what it takes, frozen or not. Only its input flows into a block; one that is computed anew makes its output
/// again, whose gradient waits for it. In its backward pass there are at most three gradients of its output's size, or
/// two and the input's. What cuDNN works with is not counted.
GpuActivations resnet_gpu_activations(const ModelSpec& spec, std::int64_t stage_index, StageUse use);

}  // namespace incubate
