#pragma once

#include <cstdint>

#include "model/spec.h"

namespace incubate {

inline constexpr std::int64_t kFloatBytes = 4;

/// Returns the bytes of `width` channels of side x side pixels in fp32.
constexpr std::int64_t map_bytes(std::int64_t width, std::int64_t side) { return kFloatBytes * width * side * side; }
inline constexpr std::int64_t kBfloat16Bytes = 2;

/// What a stage without its head costs, by formula. Bytes are fp32's, of one image.
struct StageCost {
  std::int64_t num_parameters = 0;
  std::int64_t num_statistics = 0;       ///< running means and variances of batch norm
  std::int64_t num_product_weights = 0;  ///< parameters of which Precision::bf16 has a copy
  std::int64_t kept_bytes = 0;           ///< kept for its backward pass if it learns
  std::int64_t frozen_kept_bytes = 0;    ///< the same if it is frozen behind a learning stage
  std::int64_t transient_bytes = 0;      ///< most that it holds at one time without a graph, in its blocks
  std::int64_t output_bytes = 0;         ///< what it passes on (the last stage: to Stage::summarise())
};

/// Of stage `stage_index` of the network `spec`.
StageCost stage_cost(const ModelSpec& spec, std::int64_t stage_index);

/// Parameters of a stage of a vision transformer: (4 + 2r) D^2 + (9 + r) D a block of width D and MLP ratio r (its four
/// linear layers with biases, two norms), less 3 D without the bias of queries, keys and values, 2 D more with
/// LayerScale, and what the first and the last stage own beside blocks (see VitStage). The weights of products are the
/// (4 + 2r) D^2 and those of the patches. The last stage also keeps the last block's output, for the norm.
StageCost vit_stage_cost(const ModelSpec& spec, std::int64_t stage_index);

/// Bytes that a block of a vision transformer keeps of one image for its backward pass, in fp32: of T tokens and H
/// heads, with width D,
///   4 T ((8 + 2r) D + 4 + H) if it learns: the inputs of both norms (2 D), the norms' outputs (2 D), queries, keys and
///     values (3 D), attention's output (D), the MLP's hidden layer before and after GELU (2r D), mean and inverse
///     deviation of both norms (4), log-sum-exp of attention (H), and with LayerScale the branches' outputs (2 D);
///   4 T ((6 + r) D + 4 + H) if it is frozen behind a learning stage: without the inputs that its four linear layers
///     need for their weights' gradients only (the norms' outputs, GELU's), but for attention's output, which
///     attention keeps itself.
/// So it is on a GPU, where attention's T^2 scores are never stored (FlashAttention, Dao et al., NeurIPS 2022), nor are
/// the branches that stochastic depth scales. On the CPU attention keeps its weights, 4 H T R more, where R is T
/// rounded up to a multiple of 32 (in bfloat16 by AVX512-BF16, 16), and its output only if it learns; of a dropped
/// branch nothing is kept. The last block makes the class token alone, and keeps less.
std::int64_t kept_bytes_of_vit_block(const ModelSpec& spec, bool is_learning);

/// Bytes that a block without graph holds at most at one time for one image: 4 T (4 + 2r) D, in its MLP.
std::int64_t transient_bytes_of_vit_block(const ModelSpec& spec);

/// Parameters of a stage of a residual network: 9 C_in C + 9 C^2 + 4 C a block with C channels (two convolutions, two
/// norms), and 4 C running statistics; what the first and the last stage own beside blocks (see ResnetStage).
/// Kept is a block's input, and of its output's size (4 C S^2 bytes for S x S pixels): what both norms take and what
/// the second convolution takes; frozen or not, since PyTorch's convolutions keep what they take in either case. The
/// first stage also keeps what its norm takes, the last one the last block's output. Without graph a block holds its
/// input, and of its output's size: the input and output of the second convolution and the norm's output.
StageCost resnet_stage_cost(const ModelSpec& spec, std::int64_t stage_index);

}  // namespace incubate
