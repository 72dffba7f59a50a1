#include "ops/recompute.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "support/tensor_bytes.h"

namespace incubate {
namespace {

using Tensors = std::vector<torch::Tensor>;

/// Computes tanh(tanh(x W)) and counts its calls.
class RecomputeTest : public testing::Test {
 protected:
  RecomputeTest() {
    torch::manual_seed(1);
    weight_ = torch::randn({8, 8}).requires_grad_();
    x_ = torch::randn({4, 8}).requires_grad_();
    factor_ = torch::randn({4, 8});
  }

  Tensors call(const Tensors& inputs) {
    ++calls_;
    return {torch::matmul(inputs[0], weight_).tanh().tanh()};
  }
  torch::Tensor recomputed(const torch::Tensor& x) {
    return recompute([this](const Tensors& inputs) { return call(inputs); }, {x}, weight_)[0];
  }
  void expect_gradients_as_without() {
    (recomputed(x_) * factor_).sum().backward();
    const torch::Tensor of_x = x_.grad(), of_weight = weight_.grad();
    x_.mutable_grad() = weight_.mutable_grad() = torch::Tensor();
    (call({x_})[0] * factor_).sum().backward();
    for (const auto& [gradient, expected] : {std::pair(of_x, x_.grad()), std::pair(of_weight, weight_.grad())}) {
      EXPECT_EQ(gradient.defined(), expected.defined());
      if (expected.defined()) {
        EXPECT_TRUE(torch::equal(gradient, expected));
      }
    }
  }

  torch::Tensor weight_, x_, factor_;
  int calls_ = 0;
};

TEST_F(RecomputeTest, CallsAgainInTheBackwardPass) {
  const torch::Tensor result = recomputed(x_);
  EXPECT_TRUE(torch::equal(result, call({x_})[0]));
  EXPECT_EQ(calls_, 2);
  result.sum().backward();
  EXPECT_EQ(calls_, 3);
}

TEST_F(RecomputeTest, GradientsAreTheSameToTheLastBit) { expect_gradients_as_without(); }

TEST_F(RecomputeTest, AParameterLearnsWhereNoInputNeedsAGradient) {
  x_.set_requires_grad(false);
  expect_gradients_as_without();
}

TEST_F(RecomputeTest, AGradientPassesWhereNoParameterLearns) {
  weight_.set_requires_grad(false);
  expect_gradients_as_without();
}

TEST_F(RecomputeTest, WhatComesBeforeGetsItsGradient) {
  torch::Tensor first = torch::randn({8, 8}).requires_grad_();
  recomputed(torch::matmul(x_, first)).sum().backward();
  const torch::Tensor gradient = first.grad();
  first.mutable_grad() = torch::Tensor();
  call({torch::matmul(x_, first)})[0].sum().backward();
  EXPECT_TRUE(torch::equal(gradient, first.grad()));
}

TEST_F(RecomputeTest, GradientsAreAddedToTheirBuffers) {
  const torch::Tensor buffer = torch::zeros_like(weight_);
  weight_.mutable_grad() = buffer;
  recomputed(x_).sum().backward();
  const torch::Tensor once = buffer.clone();
  EXPECT_TRUE(once.any().item<bool>());
  recomputed(x_).sum().backward();
  EXPECT_TRUE(torch::equal(buffer, 2 * once));
}

TEST_F(RecomputeTest, WithoutGradientModeItIsTheFunction) {
  const torch::NoGradGuard no_grad;
  EXPECT_FALSE(recomputed(x_).requires_grad());
  EXPECT_EQ(calls_, 1);
}

TEST_F(RecomputeTest, WithoutAnythingThatLearnsThereIsNoGraph) {
  x_.set_requires_grad(false);
  weight_.set_requires_grad(false);
  EXPECT_FALSE(recomputed(x_).requires_grad());
}

TEST_F(RecomputeTest, OfSeveralResultsSomeMayBeInputsAndSomeUnused) {
  const auto function = [this](const Tensors& inputs) -> Tensors {
    return {inputs[0], inputs[1].narrow(0, 0, 1), torch::matmul(inputs[0], weight_), inputs[1].square()};
  };
  torch::Tensor y = torch::randn({2, 2}).requires_grad_();
  const Tensors results = recompute(function, {x_, y}, weight_);
  (2 * results[0] + 3 * results[2]).sum().backward({}, /*retain_graph=*/true);
  EXPECT_TRUE(torch::allclose(x_.grad(), 2 + (3 * weight_.detach().sum(1)).expand({4, 8})));
  EXPECT_FALSE(y.grad().defined());
  (5 * results[1]).sum().backward();
  EXPECT_TRUE(torch::equal(y.grad(), torch::tensor({{5.0F, 5.0F}, {0.0F, 0.0F}})));
}

TEST_F(RecomputeTest, AResultThatDependsOnNothingThatLearnsHasNoGradientToPass) {
  x_.set_requires_grad(false);
  recompute([](const Tensors& inputs) { return inputs; }, {x_}, weight_)[0].sum().backward();
  EXPECT_FALSE(weight_.grad().defined());
}

TEST_F(RecomputeTest, KeepsItsInputsAlone) {
  constexpr std::int64_t kBytes = 4 * 8 * sizeof(float);  // of x and of each result of a function
  TensorBytes::count([&](const TensorBytes& bytes) {
    const torch::Tensor result = recomputed(recomputed(x_));
    EXPECT_EQ(bytes.now(), 2 * kBytes);  // the first result and the second
  });
  TensorBytes::count([&](const TensorBytes& bytes) {
    const torch::Tensor result = call(call({x_}))[0];
    EXPECT_EQ(bytes.now(), 4 * kBytes);  // tanh keeps what it gives
  });
}

}  // namespace
}  // namespace incubate
