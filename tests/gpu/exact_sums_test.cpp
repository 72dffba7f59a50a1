#include "gpu/exact_sums.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/exact_sum.h"

namespace incubate {
namespace {

/// Compares the kernels with base/exact_sum.h.
class ExactSumsOnGpu : public testing::Test {
 protected:
  void SetUp() override {
    if (!torch::cuda::is_available()) GTEST_SKIP() << "no GPU";
  }
  /// Adds micro-batches on both sides; returns how many were out of range on the GPU.
  std::int64_t add(const std::vector<torch::Tensor>& gradients, const std::vector<float>& losses) {
    const auto options = torch::dtype(torch::kInt64).device(torch::kCUDA);
    const torch::Tensor riders = torch::zeros({2}, options);
    const torch::Tensor flag = torch::zeros({1}, options.dtype(torch::kInt32));
    sums_ = torch::full({gradients[0].numel()}, 77, options);  // to be overwritten
    for (std::size_t m = 0; m < gradients.size(); ++m) {
      const torch::Tensor values = gradients[m].to(torch::kCUDA);
      const torch::Tensor loss = torch::full({}, losses[m], torch::dtype(torch::kFloat32).device(torch::kCUDA));
      const std::int64_t cut = values.numel() / 3;  // in two parts
      const std::span<const float> all(values.data_ptr<float>(), values.numel());
      gpu::add_gradients(all.first(cut), m == 0, sums_.data_ptr<std::int64_t>(), flag.data_ptr<std::int32_t>());
      gpu::add_gradients(all.subspan(cut), m == 0, sums_.data_ptr<std::int64_t>() + cut, flag.data_ptr<std::int32_t>());
      gpu::add_loss(loss.data_ptr<float>(), {.loss = riders.data_ptr<std::int64_t>(),
                                             .num_out_of_range = riders.data_ptr<std::int64_t>() + 1,
                                             .is_out_of_range = flag.data_ptr<std::int32_t>()});
    }
    EXPECT_EQ(flag.item<std::int32_t>(), 0);
    loss_units_ = riders[0].item<std::int64_t>();
    return riders[1].item<std::int64_t>();
  }

  torch::Tensor sums_;
  std::int64_t loss_units_ = 0;
};

TEST_F(ExactSumsOnGpu, AreThoseOfTheCpuBitForBit) {
  torch::manual_seed(1);
  for (const std::int64_t size : {std::int64_t{1}, std::int64_t{1000}, std::int64_t{3'000'001}}) {
    std::vector<torch::Tensor> gradients;
    std::vector<std::int64_t> expected(size, 0);
    for (int m = 0; m < 4; ++m) {
      gradients.push_back(torch::randn({size}) * std::pow(10.0F, static_cast<float>(m - 2)));
      ASSERT_EQ(add_exactly(std::span(gradients[m].data_ptr<float>(), size), expected), Addends::all_in_range);
    }
    EXPECT_EQ(add(gradients, {0.5, 1.5, 2, 0.25}), 0);
    EXPECT_EQ(loss_units_, to_exact_units(4.25));
    EXPECT_TRUE(torch::equal(sums_.cpu(), torch::tensor(expected)));
    torch::Tensor mean = torch::empty({size}, torch::device(torch::kCUDA));
    const torch::Tensor divisor = torch::full({1}, 4, torch::dtype(torch::kFloat64).device(torch::kCUDA));
    gpu::exact_mean(sums_.data_ptr<std::int64_t>(), size, divisor.data_ptr<double>(), mean.data_ptr<float>());
    torch::Tensor expected_mean = torch::empty({size});
    exact_mean(expected, 4, std::span(expected_mean.data_ptr<float>(), size));
    EXPECT_TRUE(torch::equal(mean.cpu(), expected_mean));
  }
}

TEST_F(ExactSumsOnGpu, WhatIsOutOfRangeIsCountedByMicroBatch) {
  const auto with = [](float value) {
    torch::Tensor gradients = torch::zeros({5000});
    gradients[4321] = value;
    gradients[1] = value;
    return gradients;
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(
      add({with(1), with(nan), with(1024), with(-1024), with(1023), with(0), with(nan)}, {1, 1, 1, 1, 1, nan, nan}), 5);
  EXPECT_EQ(loss_units_, to_exact_units(2));
}

}  // namespace
}  // namespace incubate
