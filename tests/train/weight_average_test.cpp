#include "train/weight_average.h"

#include <cmath>
#include <cstring>

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace incubate {
namespace {

const torch::Tensor kGoodStep = torch::zeros({});

constexpr double kDecay = 0.9;

// The weights are k after step k, with w_0 = 5: e_n = d^n 5 + (1 - d) sum_k d^(n-k) k, and that sum is n / (1 - d) - d
// (1 - d^n) / (1 - d)^2.
TEST(WeightAverage, IsTheClosedForm) {
  constexpr int kSteps = 50;
  WeightAverage average(torch::full({3}, 5.0F));
  for (int k = 1; k <= kSteps; ++k) average.update(torch::full({3}, static_cast<float>(k)), kGoodStep, kDecay);
  const double power = std::pow(kDecay, kSteps);
  const double expected = (power * 5) + kSteps - (kDecay * (1 - power) / (1 - kDecay));
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(average.values()[i].item<double>(), expected, 1e-5 * expected);
}

TEST(WeightAverage, TheDecayMayRiseToItsValue) {
  PhaseConfig phase;
  phase.ema_decay = 0.999;
  EXPECT_EQ(average_decay(phase, 0), 0.999);
  phase.ema_ramp = true;
  EXPECT_EQ(average_decay(phase, 0), 0.1);
  EXPECT_EQ(average_decay(phase, 5), 6.0 / 15);
  EXPECT_EQ(average_decay(phase, 100000), 0.999);
}

TEST(WeightAverage, TheShareOfTheFirstWeightsIsThatOfTheAverageItself) {
  PhaseConfig phase;
  phase.ema_decay = 0.9;
  for (const bool ramp : {false, true}) {
    phase.ema_ramp = ramp;
    WeightAverage average(torch::ones({1}, torch::kFloat64));
    EXPECT_EQ(share_of_first_weights(phase, 0), 1);
    for (std::int64_t step = 0; step < 120; ++step) {
      average.update(torch::zeros({1}, torch::kFloat64), kGoodStep.to(torch::kFloat64), average_decay(phase, step));
      const double share = average.values().item<double>();
      EXPECT_NEAR(share_of_first_weights(phase, step + 1), share, 1e-9 + (1e-9 * share)) << step;
    }
  }
}

TEST(WeightAverage, OfWeightsThatStayIsExactlyThem) {
  const torch::Tensor weights = torch::tensor({0.1F, -3.7F, 1e-20F});
  WeightAverage average(weights);
  for (int k = 0; k < 10; ++k) average.update(weights, kGoodStep, kDecay);
  EXPECT_TRUE(torch::equal(average.values(), weights));
}

TEST(WeightAverage, FirstWeightsAreCopied) {
  torch::Tensor weights = torch::ones({2});
  WeightAverage average(weights);
  weights.fill_(2);
  EXPECT_TRUE(torch::equal(average.values(), torch::ones({2})));
}

TEST(WeightAverage, SwapsInPlaceAndBackBitForBit) {
  torch::manual_seed(2);
  torch::Tensor weights = torch::randn({33});
  const torch::Tensor view = weights.narrow(0, 16, 8);  // as a model's parameter is one
  WeightAverage average(weights);
  average.update(torch::randn({33}), kGoodStep, kDecay);
  const torch::Tensor old_weights = weights.clone(), old_average = average.values().clone();
  const auto same_bits = [](const torch::Tensor& a, const torch::Tensor& b) {
    return std::memcmp(a.data_ptr(), b.data_ptr(), a.nbytes()) == 0;
  };
  average.swap_with(weights);
  EXPECT_TRUE(same_bits(weights, old_average));
  EXPECT_TRUE(same_bits(average.values(), old_weights));
  EXPECT_TRUE(same_bits(view, old_average.narrow(0, 16, 8)));
  average.swap_with(weights);
  EXPECT_TRUE(same_bits(weights, old_weights));
  EXPECT_TRUE(same_bits(average.values(), old_average));
}

}  // namespace
}  // namespace incubate
