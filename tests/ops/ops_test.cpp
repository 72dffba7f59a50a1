// Compares each operation with its kernels against ATen in double: values and gradients, in both types.

#include "ops/attention.h"
#include "ops/bias_gelu.h"
#include "ops/linear_product.h"
#include "ops/near_exact.h"
#include "ops/residual_norm.h"

namespace incubate {
namespace {

constexpr std::int64_t kSamples = 5;
constexpr std::int64_t kTokens = 19;  // no multiple of a vector's length
constexpr std::int64_t kOpsWidth = 36;

class Ops : public testing::TestWithParam<at::ScalarType> {
 protected:
  Ops() { torch::manual_seed(1); }

  at::ScalarType type() const { return GetParam(); }
  Leaves of_type(at::IntArrayRef sizes) const { return {torch::randn(sizes), type()}; }
  Leaves in_fp32(at::IntArrayRef sizes) const { return {torch::randn(sizes), torch::kFloat32}; }

  /// Compares both results, and the gradients from a random gradient of the results.
  void expect_same(const torch::Tensor& result, const torch::Tensor& exact) const {
    EXPECT_EQ(exact.scalar_type(), torch::kFloat64);
    expect_near_exact(result, exact, tolerance_of(type()));
    const torch::Tensor gradient = torch::randn(result.sizes()).to(result.scalar_type());
    result.backward(gradient, /*retain_graph=*/true);
    exact.backward(gradient.to(torch::kFloat64), /*retain_graph=*/true);
  }
};

/// Returns null in fp32.
c10::intrusive_ptr<WeightCopy> copy_of(const torch::Tensor& weight, at::ScalarType type) {
  if (type == torch::kFloat32) return nullptr;
  auto copy = c10::make_intrusive<WeightCopy>();
  copy->update(weight.detach());
  return copy;
}

// Some products are small and use oneDNN's own order; others have more tokens and widths than one sum holds.
TEST_P(Ops, LinearProduct) {
  for (const auto [tokens, in_width, width] :
       {std::array<std::int64_t, 3>{kTokens, kOpsWidth, 7}, {kTokens, 192, 256}, {209, 400, 386}}) {
    const Leaves x = of_type({kSamples, tokens, in_width});
    const Leaves weight = {torch::randn({width, in_width}).to(type()), torch::kFloat32};
    const torch::Tensor result = linear_product(x.tensor, weight.tensor, copy_of(weight.tensor, type()));
    EXPECT_EQ(result.scalar_type(), type());
    expect_same(result, torch::matmul(x.exact, weight.exact.t()));
    EXPECT_EQ(weight.tensor.grad().scalar_type(), torch::kFloat32);
    x.expect_same_gradient(type());
    weight.expect_same_gradient(type());
  }
}

TEST_P(Ops, LinearProductAddsToTheBufferOfAGradient) {
  const Leaves x = of_type({kSamples, kTokens, 192});
  const Leaves weight = {torch::randn({256, 192}).to(type()), torch::kFloat32};
  const torch::Tensor before = torch::randn({256, 192});
  const torch::Tensor buffer = before.clone();
  weight.tensor.mutable_grad() = buffer;
  weight.exact.mutable_grad() = before.to(torch::kFloat64);
  expect_same(linear_product(x.tensor, weight.tensor, copy_of(weight.tensor, type())),
              torch::matmul(x.exact, weight.exact.t()));
  EXPECT_EQ(weight.tensor.grad().data_ptr(), buffer.data_ptr());
  weight.expect_same_gradient(type());
}

TEST_P(Ops, BiasGelu) {
  const Leaves x = of_type({kSamples, kTokens, kOpsWidth});
  const Leaves bias = in_fp32({kOpsWidth});
  const torch::Tensor exact = bias_gelu(x.exact, bias.exact);
  expect_same(bias_gelu(x.tensor.clone(), bias.tensor), exact);
  x.expect_same_gradient(type());
  bias.expect_same_gradient(type());
}

// Heads are whole vectors. The tokens need several blocks of queries and keys, and a rest.
TEST_P(Ops, AttentionOfWideHeads) {
  for (const auto [tokens, heads, width] : {std::array<std::int64_t, 3>{50, 2, 32}, {19, 1, 16}, {83, 2, 128}}) {
    for (const std::int64_t num_queries : {tokens, std::int64_t{1}, std::int64_t{16}}) {
      const Leaves qkv = of_type({2, tokens, 3 * width});
      const Leaves bias = in_fp32({3 * width});
      expect_same(attention(qkv.tensor, bias.tensor, heads, num_queries),
                  attention(qkv.exact, bias.exact, heads, num_queries));
      qkv.expect_same_gradient(type());
      bias.expect_same_gradient(type());
    }
  }
}

TEST_P(Ops, Attention) {
  for (const bool has_bias : {true, false}) {
    for (const std::int64_t num_queries : {kTokens, std::int64_t{1}}) {
      const Leaves qkv = of_type({kSamples, kTokens, 3 * kOpsWidth});
      const Leaves bias = in_fp32({3 * kOpsWidth});
      const torch::Tensor none;
      expect_same(attention(qkv.tensor, has_bias ? bias.tensor : none, 3, num_queries),
                  attention(qkv.exact, has_bias ? bias.exact : none, 3, num_queries));
      qkv.expect_same_gradient(type());
      if (has_bias) bias.expect_same_gradient(type());
    }
  }
}

/// The inputs of a sum and its norm.
struct Inputs {
  Leaves x, branch, branch_bias, scale, weight, bias;
  void expect_same_gradients(at::ScalarType type) const {
    for (const Leaves* leaves : {&x, &branch, &branch_bias, &scale, &weight, &bias}) leaves->expect_same_gradient(type);
  }
};

/// Returns the kept samples of one branch. Undefined: all samples.
KeptSamples keep(const torch::Tensor& factors) {
  return factors.defined() ? keep_samples(factors, torch::kCPU).front() : KeptSamples();
}

TEST_P(Ops, ResidualNorm) {
  const torch::Tensor some = torch::tensor({0.0F, 1.5F, 0.0F, 2.0F, 1.0F});
  const torch::Tensor others = torch::tensor({2.0F, 0.0F, 1.0F, 1.0F, 0.0F});
  for (const auto& [branch_factors, norm_factors] :
       {std::pair(torch::Tensor(), torch::Tensor()), std::pair(some, others), std::pair(some, torch::Tensor()),
        std::pair(torch::Tensor(), others)}) {
    const KeptSamples of_branch = keep(branch_factors);
    const KeptSamples of_norm = keep(norm_factors);
    const std::int64_t num_kept = of_branch.has_all() ? kSamples : of_branch.samples.numel();
    const Inputs in = {in_fp32({kSamples, kTokens, kOpsWidth}),
                       of_type({num_kept, kTokens, kOpsWidth}),
                       in_fp32({kOpsWidth}),
                       in_fp32({kOpsWidth}),
                       in_fp32({kOpsWidth}),
                       in_fp32({kOpsWidth})};
    const Normalised result =
        residual_norm({in.x.tensor, {in.branch.tensor, in.branch_bias.tensor, in.scale.tensor, of_branch}},
                      {in.weight.tensor, in.bias.tensor, 1e-3}, of_norm, type());
    const Normalised exact =
        residual_norm({in.x.exact, {in.branch.exact, in.branch_bias.exact, in.scale.exact, of_branch}},
                      {in.weight.exact, in.bias.exact, 1e-3}, of_norm, torch::kFloat64);
    EXPECT_EQ(result.sum.scalar_type(), torch::kFloat32);
    EXPECT_EQ(result.values.scalar_type(), type());
    expect_same(result.sum, exact.sum);
    expect_same(result.values, exact.values);
    in.expect_same_gradients(type());
    expect_same(residual_sum({in.x.tensor, {in.branch.tensor, in.branch_bias.tensor, in.scale.tensor, of_branch}}),
                residual_sum({in.x.exact, {in.branch.exact, in.branch_bias.exact, in.scale.exact, of_branch}}));
    in.expect_same_gradients(type());
  }
}

TEST_P(Ops, WithoutABranchTheInputItselfIsNormalised) {
  const Leaves x = in_fp32({kSamples, kTokens, kOpsWidth});
  const Leaves weight = in_fp32({kOpsWidth});
  const Leaves bias = in_fp32({kOpsWidth});
  const Normalised result = residual_norm({x.tensor, {}}, {weight.tensor, bias.tensor, 1e-3}, {}, type());
  EXPECT_TRUE(torch::equal(result.sum, x.tensor));
  expect_same(result.values,
              residual_norm({x.exact, {}}, {weight.exact, bias.exact, 1e-3}, {}, torch::kFloat64).values);
  x.expect_same_gradient(type());
  weight.expect_same_gradient(type());
  bias.expect_same_gradient(type());
}

// In double ATen is the reference above; here it is compared with a plain formula.
TEST(OpsByAten, ResidualNormIsTheFormula) {
  torch::manual_seed(1);
  const auto random = [](at::IntArrayRef sizes) { return torch::randn(sizes, torch::kFloat64); };
  const torch::Tensor x = random({3, 2, 4});
  const torch::Tensor branch = random({2, 2, 4});
  const torch::Tensor bias = random({4});
  const torch::Tensor scale = random({4});
  const KeptSamples kept = keep(torch::tensor({2.0, 0.0, 0.5}));
  torch::Tensor expected = x.clone();
  expected[0] += 2 * scale * (branch[0] + bias);
  expected[2] += 0.5 * scale * (branch[1] + bias);
  EXPECT_TRUE(torch::allclose(residual_sum({x, {branch, bias, scale, kept}}), expected, 1e-12, 1e-12));
}

TEST(WeightCopy, ChangesWithTheWeight) {
  const torch::Tensor x = torch::randn({64, 192}).to(torch::kBFloat16).requires_grad_();
  const torch::Tensor weight = torch::randn({256, 192});
  const c10::intrusive_ptr<WeightCopy> copy = copy_of(weight, torch::kBFloat16);
  linear_product(x, weight, copy).sum().backward();
  weight.mul_(2);
  copy->update(weight);
  const torch::Tensor first = x.grad().clone();
  x.mutable_grad() = torch::Tensor();
  const torch::Tensor result = linear_product(x, weight, copy);
  result.sum().backward();
  expect_near_exact(result, torch::matmul(x.detach().to(torch::kFloat64), weight.to(torch::kFloat64).t()), 0.02);
  EXPECT_TRUE(torch::equal(x.grad(), 2 * first));
}

INSTANTIATE_TEST_SUITE_P(Types, Ops, testing::Values(torch::kFloat32, torch::kBFloat16),
                         [](const auto& tested) { return tested.param == torch::kFloat32 ? "fp32" : "bf16"; });

}  // namespace
}  // namespace incubate
