#include "train/optimizer.h"

#include <cmath>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "support/tiny_model.h"

namespace incubate {
namespace {

const OptimizerConfig kConfig = {.beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-6};

/// Algorithm 2 of Loshchilov and Hutter for one number, in double.
struct ReferenceAdamW {
  double value = 0, mean = 0, mean_square = 0;

  void update(double gradient, int t, double learning_rate, double weight_decay) {
    mean = (kConfig.beta1 * mean) + ((1 - kConfig.beta1) * gradient);
    mean_square = (kConfig.beta2 * mean_square) + ((1 - kConfig.beta2) * gradient * gradient);
    const double corrected_mean = mean / (1 - std::pow(kConfig.beta1, t));
    const double corrected_square = mean_square / (1 - std::pow(kConfig.beta2, t));
    value -= learning_rate * (corrected_mean / (std::sqrt(corrected_square) + kConfig.epsilon) + weight_decay * value);
  }
};

/// Whether weight decay is to apply, by name: to the weights of linear layers and of the patch embedding only.
bool is_to_decay(const std::string& name) {
  return name.ends_with(".weight") && name.find("norm") == std::string::npos;
}

TEST(Optimizer, StepsEqualThePlainFormula) {
  StagedModel model = make_initialised(target_spec(tiny_model_config()));
  FlatParameters flat(model, torch::kCPU);
  AdamW optimizer(flat, kConfig, 0.1);
  torch::manual_seed(5);
  std::vector<ReferenceAdamW> reference(flat.size());
  for (std::int64_t i = 0; i < flat.size(); ++i) reference[i].value = flat.values()[i].item<double>();
  for (int step = 0; step < 6; ++step) {
    flat.gradients().zero_();
    for (const FlatView& view : flat.views()) {
      const torch::Tensor gradient = 0.3 * torch::randn(view.shape);
      view.of(flat.gradients()).copy_(gradient);
      const torch::Tensor numbers = gradient.flatten();
      const float* number = numbers.data_ptr<float>();
      for (std::int64_t i = 0; i < gradient.numel(); ++i) {
        reference[view.offset + i].update(number[i], step + 1, 0.01 / (step + 1), is_to_decay(view.name) ? 0.1 : 0);
      }
    }
    optimizer.update(step, 0.01 / (step + 1));
  }
  const float* value = flat.values().data_ptr<float>();
  const float* mean = optimizer.exp_avg().data_ptr<float>();
  const float* mean_square = optimizer.exp_avg_sq().data_ptr<float>();
  for (const FlatView& view : flat.views()) {
    for (std::int64_t i = view.offset; i < view.offset + view.of(flat.values()).numel(); ++i) {
      // Six updates in fp32 round values below 1.1 and moments below 1 each by 2^-24 or so.
      EXPECT_NEAR(value[i], reference[i].value, 2e-6) << view.name;
      EXPECT_NEAR(mean[i], reference[i].mean, 1e-6) << view.name;
      EXPECT_NEAR(mean_square[i], reference[i].mean_square, 1e-6) << view.name;
    }
  }
}

TEST(Optimizer, WithoutGradientOnlyDecayingParametersShrink) {
  StagedModel model = make_initialised(target_spec(tiny_model_config()));
  FlatParameters flat(model, torch::kCPU);
  flat.values().fill_(2);
  AdamW optimizer(flat, kConfig, 0.25);
  optimizer.update(0, 0.5);
  for (const FlatView& view : flat.views()) {
    EXPECT_TRUE((view.of(flat.values()) == (is_to_decay(view.name) ? 1.75 : 2)).all().item<bool>()) << view.name;
  }
}

TEST(Optimizer, GapsBetweenParametersStayZero) {
  StagedModel model = make_initialised(target_spec(tiny_model_config()));
  FlatParameters flat(model, torch::kCPU);
  AdamW optimizer(flat, kConfig, 0.1);
  for (const FlatView& view : flat.views()) view.of(flat.gradients()).fill_(1);
  optimizer.update(0, 0.1);
  torch::Tensor gaps = flat.values().clone();
  std::int64_t num_gaps = flat.size();
  for (const FlatView& view : flat.views()) {
    view.of(gaps).zero_();
    num_gaps -= view.of(gaps).numel();
  }
  EXPECT_GT(num_gaps, 0);
  EXPECT_EQ(gaps.abs().max().item<float>(), 0);
}

TEST(Optimizer, ClippingScalesToTheLargestNorm) {
  torch::Tensor gradients = torch::tensor({3.0F, 0.0F, -4.0F});
  EXPECT_EQ(clip_norm(gradients, 2.5), 5);
  EXPECT_TRUE(torch::equal(gradients, torch::tensor({1.5F, 0.0F, -2.0F})));
}

TEST(Optimizer, ClippingLeavesSmallGradientsAndIsSwitchedOffByZero) {
  torch::Tensor gradients = torch::tensor({3.0F, -4.0F});
  EXPECT_EQ(clip_norm(gradients, 5), 5);
  EXPECT_EQ(clip_norm(gradients, 0), 5);
  EXPECT_TRUE(torch::equal(gradients, torch::tensor({3.0F, -4.0F})));
}

}  // namespace
}  // namespace incubate
