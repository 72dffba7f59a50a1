#pragma once

#include <cstdint>

#include <torch/types.h>

namespace incubate {

/// Softmax attention of each head (Vaswani et al., "Attention is all you need", NeurIPS 2017), in the type of `qkv`:
/// (batch, tokens, 3 D), of which queries, keys and values have a third each, to (batch, queries, D): of the first
/// `num_queries` tokens, to all. `bias` (3 D) is added first, if defined.
torch::Tensor attention(const torch::Tensor& qkv, const torch::Tensor& bias, std::int64_t heads,
                        std::int64_t num_queries);

}  // namespace incubate
