#include "cpu/matrix_unit.h"

#include <cstring>
#include <vector>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "cpu/element_type.h"
#include "cpu/kernels/fused_attention.h"
#include "cpu/kernels/packing.h"
#include "ops/near_exact.h"

namespace incubate::cpu {
namespace {

class Products : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_vector_product()) GTEST_SKIP() << "the processor has no AVX512-BF16";
    torch::manual_seed(1);
  }
};

torch::Tensor random(at::IntArrayRef sizes) { return torch::randn(sizes).to(torch::kBFloat16); }

// The number of rows is odd and no multiple of a tile's.
TEST_F(Products, AreThoseInDouble) {
  for (const PairProduct& product : {vector_product(), best_product()}) {
    for (const auto [rows, pairs, columns] : {std::array<std::int64_t, 3>{37, 99, 208}, {64, 32, 16}, {1, 1, 48}}) {
      const std::int64_t stride = (pairs + 15) / 16 * 32;
      const torch::Tensor a = random({rows, stride});
      const torch::Tensor b = random({2 * pairs, columns});
      std::vector<Pair> packed(pairs * columns);
      pair_rows(elements_of<Bfloat16>(b), 2 * pairs, columns, packed.data());
      torch::Tensor c = torch::empty({rows, columns});
      product.multiply(elements_of<Bfloat16>(a), stride, rows, packed.data(), columns, pairs, elements_of<float>(c));
      product.finish();
      expect_near_exact(c, torch::mm(a.narrow(1, 0, 2 * pairs).to(torch::kFloat64), b.to(torch::kFloat64)), 1e-6);
    }
  }
}

TEST_F(Products, TransposeOddRowsToPairs) {
  for (const auto [rows, columns] : {std::array<std::int64_t, 2>{197, 64}, {33, 21}, {1, 1}}) {
    const torch::Tensor from = random({rows, columns});
    torch::Tensor to = random({columns, rows + 1});
    transpose(elements_of<Bfloat16>(from), columns, rows, columns, elements_of<Bfloat16>(to), (rows + 1) / 2 * 2);
    const torch::Tensor expected = torch::constant_pad_nd(from.t(), {0, rows % 2}).contiguous();
    EXPECT_EQ(std::memcmp(to.data_ptr(), expected.data_ptr(), expected.nbytes()), 0) << rows;
  }
}

// An attention does not depend on who multiplies, except for rounding.
TEST_F(Products, GiveTheSameAttention) {
  const AttentionShape shape = {.samples = 2, .tokens = 83, .queries = 83, .heads = 3, .head_width = 32};
  const torch::Tensor qkv = random({2, 83, 3 * 96});
  const torch::Tensor gradient = random({2, 83, 96});
  const auto attend = [&](const PairProduct& product) {
    const torch::Tensor weights = random({2, 3, 83, shape.padded_tokens()});
    const torch::Tensor result = random({2, 83, 96});
    const torch::Tensor qkv_gradient = random(qkv.sizes());
    fused_attention(elements_of<Bfloat16>(qkv), nullptr, elements_of<Bfloat16>(weights), elements_of<Bfloat16>(result),
                    shape, product);
    fused_attention_backward(elements_of<Bfloat16>(qkv), nullptr, elements_of<Bfloat16>(weights),
                             elements_of<Bfloat16>(gradient), elements_of<Bfloat16>(qkv_gradient), shape, product);
    return std::vector<torch::Tensor>{weights, result, qkv_gradient};
  };
  const std::vector<torch::Tensor> by_vectors = attend(vector_product());
  const std::vector<torch::Tensor> best = attend(best_product());
  for (std::size_t i = 0; i < best.size(); ++i) {
    expect_near_exact(best[i], by_vectors[i].to(torch::kFloat64), 0.01);
  }
}

}  // namespace
}  // namespace incubate::cpu
