#pragma once

#include <cstdint>

#include "model/spec.h"

namespace incubate {

inline constexpr std::int64_t kFloatBytes = 4;

/// Returns the bytes of `width` channels of side x side pixels in fp32.
constexpr std::int64_t map_bytes(std::int64_t width, std::int64_t side) { return kFloatBytes * width * side * side; }
inline constexpr std::int64_t kBfloat16Bytes = 2;

/// Costs of a stage without its head, by formula. Bytes are those of one image, in fp32.
struct StageCost {
  std::int64_t num_parameters = 0;
  std::int64_t num_statistics = 0;       ///< running means and variances of batch norm
  std::int64_t num_product_weights = 0;  ///< parameters that Precision::bf16 copies
  std::int64_t kept_bytes = 0;           ///< for its backward pass if it learns
  std::int64_t frozen_kept_bytes = 0;    ///< the same if it is frozen behind a learning stage
  std::int64_t transient_bytes = 0;      ///< the peak in its blocks without a graph
  std::int64_t output_bytes = 0;         ///< of what the next stage or Stage::summarise() takes
};

/// Returns the costs of stage `stage_index` of the network `spec`.
StageCost stage_cost(const ModelSpec& spec, std::int64_t stage_index);

/// Returns the costs of a stage of a vision transformer. A block of width D and MLP ratio r has (4 + 2r) D^2 + (9 + r)
/// D parameters: four linear layers with biases, two norms. Without the bias of queries, keys and values it has 3 D
/// less, with LayerScale 2 D more. The first and the last stage add tensors outside blocks (see VitStage). Product
/// weights are the (4 + 2r) D^2 and the patch embedding's. The last stage also keeps the last block's output, for the
/// norm.
StageCost vit_stage_cost(const ModelSpec& spec, std::int64_t stage_index);

/// Returns the bytes that a block of a vision transformer keeps of one image for its backward pass, in fp32. With T
/// tokens, H heads and width D:
///   4 T ((8 + 2r) D + 4 + H) if it learns: the inputs of both norms (2 D), the norms' outputs (2 D), queries, keys and
///     values (3 D), attention's output (D), the MLP's hidden layer before and after GELU (2r D), mean and inverse
///     deviation of both norms (4), log-sum-exp of attention (H), and with LayerScale the branches' outputs (2 D);
///   4 T ((6 + r) D + 4 + H) if it is frozen behind a learning stage: without the inputs that the linear layers need
///     only for their weights' gradients (outputs of norms and GELU). Attention itself keeps its output.
/// These are a GPU's numbers: it never stores attention's T^2 scores (FlashAttention, Dao et al., NeurIPS 2022), nor
/// branches scaled by stochastic depth. On the CPU attention keeps its weights, 4 H T R more, and its output only if it
/// learns. R is T rounded up to a multiple of 32 (16 in bfloat16 by AVX512-BF16). A dropped branch keeps nothing. The
/// last block makes only the class token, and keeps less.
std::int64_t kept_bytes_of_vit_block(const ModelSpec& spec, bool is_learning);

/// Returns the peak bytes of a block without a graph for one image: 4 T (4 + 2r) D, in its MLP.
std::int64_t transient_bytes_of_vit_block(const ModelSpec& spec);

/// Returns the costs of a stage of a residual network. A block with C channels has 9 C_in C + 9 C^2 + 4 C parameters
/// (two convolutions, two norms) and 4 C running statistics. The first stage adds tensors outside blocks (see
/// ResnetStage). A block keeps its input and three tensors of its output's size (4 C S^2 bytes for S x S pixels): the
/// inputs of both norms and of the second convolution. A frozen block keeps the same, because PyTorch's convolutions
/// do. The first stage also keeps its norm's input, the last one the last block's output. Without a graph a block holds
/// its input, the second convolution's input and output and the norm's output.
StageCost resnet_stage_cost(const ModelSpec& spec, std::int64_t stage_index);

}  // namespace incubate
