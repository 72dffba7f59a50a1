#include "model/batch_norm.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace incubate {
namespace {

constexpr double kEpsilon = 1e-3;

class BatchNormTest : public testing::Test {
 protected:
  BatchNormTest() {
    const torch::NoGradGuard no_grad;
    torch::manual_seed(1);
    x_ = 3 * torch::randn({4, 2, 3, 3}) + 5;
    norm_->named_parameters()["weight"].copy_(torch::tensor({2.0F, -1.0F}));
    norm_->named_parameters()["bias"].copy_(torch::tensor({0.5F, 7.0F}));
    norm_->running_mean().copy_(torch::tensor({1.0F, 2.0F}));
    norm_->running_var().copy_(torch::tensor({3.0F, 0.25F}));
  }
  /// Returns `x_` normalised with these statistics of two channels, in double.
  torch::Tensor expected(const torch::Tensor& mean, const torch::Tensor& variance) const {
    const auto of_channel = [](const torch::Tensor& values) { return values.to(torch::kFloat64).view({1, 2, 1, 1}); };
    const torch::Tensor weight = torch::tensor({2.0, -1.0}), bias = torch::tensor({0.5, 7.0});
    return ((x_.to(torch::kFloat64) - of_channel(mean)) / (of_channel(variance) + kEpsilon).sqrt() *
            of_channel(weight)) +
           of_channel(bias);
  }
  static void expect_close(const torch::Tensor& a, const torch::Tensor& b) {
    EXPECT_LT((a - b).abs().max().item<double>(), 1e-5);
  }

  std::shared_ptr<BatchNorm> norm_ = std::make_shared<BatchNorm>(2, kEpsilon);
  torch::Tensor x_;
};

TEST_F(BatchNormTest, TrainsWithTheStatisticsOfTheMicroBatchAndReportsThem) {
  const torch::Tensor x = x_.to(torch::kFloat64);
  const torch::Tensor mean = x.mean({0, 2, 3});
  const torch::Tensor squares = (x - mean.view({1, 2, 1, 1})).square().sum({0, 2, 3});
  for (int pass = 0; pass < 2; ++pass) {  // what was there before makes no difference
    expect_close(norm_->forward(x_), expected(mean, squares / 36));
    expect_close(norm_->batch_mean(), mean);
    expect_close(norm_->batch_var(), squares / 35);  // 4 x 3 x 3 values, without bias
    const torch::NoGradGuard no_grad;
    norm_->batch_mean().fill_(9);
    norm_->batch_var().fill_(9);
  }
  EXPECT_TRUE(torch::equal(norm_->running_mean(), torch::tensor({1.0F, 2.0F})));
  EXPECT_TRUE(torch::equal(norm_->running_var(), torch::tensor({3.0F, 0.25F})));
}

TEST_F(BatchNormTest, EvaluatesWithTheRunningStatistics) {
  norm_->eval();
  expect_close(norm_->forward(x_), expected(torch::tensor({1.0, 2.0}), torch::tensor({3.0, 0.25})));
  EXPECT_FALSE(norm_->batch_mean().any().item<bool>());  // nothing was reported
  norm_->train();
  norm_->forward(x_);
  EXPECT_TRUE(norm_->batch_mean().all().item<bool>());
}

TEST_F(BatchNormTest, WithoutGradientsOfItsOwnItPassesThoseOfActivations) {
  for (torch::Tensor& parameter : norm_->parameters()) parameter.set_requires_grad(false);
  const torch::Tensor x = x_.clone().requires_grad_();
  norm_->forward(x).square().sum().backward();
  EXPECT_TRUE(x.grad().any().item<bool>());
  for (const torch::Tensor& parameter : norm_->parameters()) EXPECT_FALSE(parameter.grad().defined());
}

}  // namespace
}  // namespace incubate
