#pragma once

#include <cstdint>

#include "model/spec.h"

namespace incubate {

inline constexpr std::int64_t kFloatBytes = 4;

/// Returns the bytes of `width` channels of side x side pixels in fp32.
constexpr std::int64_t map_bytes(std::int64_t width, std::int64_t side) { return kFloatBytes * width * side * side; }
inline constexpr std::int64_t kBfloat16Bytes = 2;

/// Parameters of a stage without its head, by formula.
struct StageCost {
  std::int64_t num_parameters = 0;
  std::int64_t num_statistics = 0;       ///< running means and variances of batch norm
  std::int64_t num_product_weights = 0;  ///< parameters that Precision::bf16 copies
};

/// Returns the costs of stage `stage_index` of the network `spec`.
StageCost stage_cost(const ModelSpec& spec, std::int64_t stage_index);

/// Returns the costs of a stage of a vision transformer. A block of width D and MLP ratio r has (4 + 2r) D^2 + (9 + r)
/// D parameters: four linear layers with biases, two norms. Without the bias of queries, keys and values it has 3 D
/// less, with LayerScale 2 D more. The first and the last stage add tensors outside blocks (see VitStage). Product
/// weights are the (4 + 2r) D^2 and the patch embedding's.
StageCost vit_stage_cost(const ModelSpec& spec, std::int64_t stage_index);

/// Returns the costs of a stage of a residual network. A block with C channels has 9 C_in C + 9 C^2 + 4 C parameters
/// (two convolutions, two norms) and 4 C running statistics. The first stage adds tensors outside blocks (see
/// ResnetStage).
StageCost resnet_stage_cost(const ModelSpec& spec, std::int64_t stage_index);

/// The use of a stage in a training. without_graph: nothing before or in the stage learns. frozen: gradients pass
/// through the stage to a learning stage before it.
enum class StageUse { without_graph, frozen, learning };

/// Bytes that the activations of a stage without its head take for one image. The formulas count what ATen's
/// operations save (see ops/), in the types of the network's precision. They ignore stochastic depth: every sample
/// counts, so no draw needs more.
struct StageActivations {
  std::int64_t kept = 0;      ///< for the stage's backward pass
  std::int64_t inputs = 0;    ///< like `kept`, if blocks are recomputed: inputs of blocks
  std::int64_t block = 0;     ///< then the most that one block adds: activations, outputs and the outputs' gradients
  std::int64_t backward = 0;  ///< the peak of the backward pass, beyond what is kept
  std::int64_t alone = 0;     ///< the peak without a graph, beyond the output
  std::int64_t output = 0;    ///< the stage's output
  std::int64_t weight_gradient = 0;  ///< of the largest product, before it is added to its buffer; for any images
};

/// Returns the bytes for stage `stage_index` of the network `spec`.
StageActivations stage_activations(const ModelSpec& spec, std::int64_t stage_index, StageUse use);

/// Returns the bytes for a stage of a vision transformer. A block takes T tokens of width D and returns Q: T, or in the
/// last block the class token. H is the number of heads, r the MLP ratio, e the bytes of a branch's value (2 in
/// bfloat16, else 4). A block keeps T ((4 + 3 e) D + 8) + Q ((4 + (1 + r) e) D + 8 + 4 H):
///   x before both norms in fp32 (ops/residual_norm), with mean and inverse deviation;
///   queries, keys and values, which are parts of one sum with the bias;
///   attention's output and log-sum-exp, not the scores: on GPUs at::scaled_dot_product_attention uses FlashAttention
///   (Dao et
///     al., NeurIPS 2022) in bfloat16 and its memory-efficient kernel in fp32; the MLP's hidden layer before GELU;
///   if it learns, T e D + Q (1 + r) e D for the inputs of three more products, and with LayerScale 8 Q D (fp32).
///
/// A block's input is x in fp32 and, except in the first block of a stage, the values of the previous branch. A
/// recomputed block makes the values of its last branch again; their gradients and those of x take 4 D + 2 e D. A
/// learning first stage also keeps its patches, the last stage the input of the final norm.
///
/// The backward pass holds at most the gradient of x in fp32 and a part of a branch. That part is 2 r D e in GELU, or
/// 8 D e in attention, which concatenates the gradients of q, k and v. Memory that it frees meanwhile is not deducted.
/// Without a graph a block holds x three times, with a branch's values. It holds the hidden layer three times: the
/// product, with the bias, and after GELU.
StageActivations vit_stage_activations(const ModelSpec& spec, std::int64_t stage_index, StageUse use);

/// Returns the bytes for a stage of a residual network, which computes in fp32. A block with C channels keeps its input
/// and three tensors of its output's size (4 C S^2 bytes for S x S pixels): the inputs of both norms and of the second
/// convolution; a convolution keeps its input, frozen or not. The first stage also keeps its norm's input, the last one
/// the last block's output. A block's only input is x. A recomputed block makes its output again, and holds its
/// gradient. The backward pass holds at most three gradients of the output's size, or two and the input's. Without a
/// graph a block holds its input, the second convolution's input and output and the norm's output. cuDNN's workspace is
/// not counted.
StageActivations resnet_stage_activations(const ModelSpec& spec, std::int64_t stage_index, StageUse use);

}  // namespace incubate
