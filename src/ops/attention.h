#pragma once

#include <cstdint>

#include <torch/types.h>

namespace incubate {

/// Returns the softmax attention of each head (Vaswani et al., "Attention is all you need", NeurIPS 2017), in the type
/// of `qkv`. `qkv` (batch, tokens, 3 D) holds queries, keys and values, a third each. The first `num_queries` tokens
/// attend to all tokens: the result is (batch, num_queries, D). `bias` (3 D) is added first, if defined.
torch::Tensor attention(const torch::Tensor& qkv, const torch::Tensor& bias, std::int64_t heads,
                        std::int64_t num_queries);

}  // namespace incubate
