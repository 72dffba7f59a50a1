#include "train/gradient_buckets.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "model/drop_path.h"
#include "support/tiny_model.h"
#include "support/tiny_resnet.h"

namespace incubate {
namespace {

ModelSpec recomputed(ModelSpec spec) {
  spec.recompute = Recompute::blocks;
  return spec;
}

class Buckets : public testing::TestWithParam<ModelSpec> {
 protected:
  /// Ranges that a pass reports, each with its gradients at that moment.
  struct Told {
    Share range;
    torch::Tensor gradients;
    bool is_during_pass;
  };

  std::vector<Told> pass(const torch::Tensor& branch_scales, std::int64_t fewest_values = 100) {
    std::vector<Told> told;
    bool is_during_pass = true;
    GradientBuckets buckets(flat_, fewest_values, [&](Share range) {
      told.push_back({range, flat_.gradients().narrow(0, range.begin, range.size()).clone(), is_during_pass});
    });
    flat_.addends().zero_();
    buckets.arm();
    model_
        .forward(torch::randn({4, GetParam().channels, GetParam().image_size, GetParam().image_size}),
                 keep_samples(branch_scales, torch::kCPU))
        .square()
        .sum()
        .backward();
    is_during_pass = false;
    buckets.finish();
    return told;
  }
  static void expect_all_from_end_to_beginning(const std::vector<Told>& told, std::int64_t size) {
    std::int64_t end = size;
    for (const Told& t : told) {
      EXPECT_EQ(t.range.end, end);
      EXPECT_GT(t.range.size(), 0);
      end = t.range.begin;
    }
    EXPECT_EQ(end, 0);
  }
  void expect_complete(const std::vector<Told>& told) {
    for (const Told& t : told) {
      EXPECT_TRUE(torch::equal(t.gradients, flat_.gradients().narrow(0, t.range.begin, t.range.size())))
          << t.range.begin;
      EXPECT_GT(t.gradients.abs().max().item<float>(), 0);
    }
  }

  StagedModel model_ = make_initialised(GetParam());
  FlatParameters flat_{model_, torch::kCPU};
};

TEST_P(Buckets, RangesAreToldOnceWithTheirLastValues) {
  for (int i = 0; i < 2; ++i) {
    const std::vector<Told> told = pass({});
    EXPECT_GT(told.size(), 3);
    expect_all_from_end_to_beginning(told, flat_.gradients().numel());
    expect_complete(told);
    for (const Told& t : told) EXPECT_TRUE(t.is_during_pass) << t.range.begin;
  }
}

TEST_P(Buckets, OneRangeIfAllIsSmall) {
  const std::vector<Told> told = pass({}, 1 << 30);
  ASSERT_EQ(told.size(), 1);
  expect_all_from_end_to_beginning(told, flat_.gradients().numel());
  expect_complete(told);
}

// Other ranks may have these branches, so the ranges are the same ones in the same order.
TEST_P(Buckets, DroppedBranchesAreToldInTheEndInTheSameOrder) {
  const std::vector<Told> whole = pass({});
  torch::Tensor scales = torch::ones({model_.spec().num_blocks(), 2, 4});
  scales[1].zero_();
  const std::vector<Told> told = pass(scales);
  ASSERT_EQ(told.size(), whole.size());
  for (std::size_t i = 0; i < told.size(); ++i) EXPECT_EQ(told[i].range.begin, whole[i].range.begin);
  EXPECT_TRUE(told.front().is_during_pass);
  for (const Told& t : told) {
    EXPECT_TRUE(torch::equal(t.gradients, flat_.gradients().narrow(0, t.range.begin, t.range.size())));
  }
}

TEST_P(Buckets, AnUnarmedPassIsNotTold) {
  bool is_told = false;
  GradientBuckets buckets(flat_, 100, [&](Share) { is_told = true; });
  model_.forward(torch::randn({4, GetParam().channels, GetParam().image_size, GetParam().image_size}), {})
      .sum()
      .backward();
  EXPECT_FALSE(is_told);
}

INSTANTIATE_TEST_SUITE_P(Networks, Buckets,
                         testing::Values(target_spec(tiny_model_config()), target_spec(tiny_resnet_config()),
                                         recomputed(target_spec(tiny_model_config())),
                                         recomputed(target_spec(tiny_resnet_config()))),
                         [](const auto& info) {
                           return std::string(info.param.family == Family::vit ? "vit" : "resnet") +
                                  (info.param.recompute == Recompute::blocks ? "_recomputed" : "");
                         });

}  // namespace
}  // namespace incubate
