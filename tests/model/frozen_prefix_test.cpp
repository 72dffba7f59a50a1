#include "model/frozen_prefix.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "model/drop_path.h"
#include "support/tiny_model.h"

namespace incubate {
namespace {

constexpr std::int64_t kBatch = 2;

/// Returns a hybrid of a network whose stages have two blocks each; `stage` learns.
StagedModel make_hybrid(std::int64_t stage) {
  ModelConfig config = tiny_model_config();
  config.depths = {2, 2, 2};
  StagedModel model = make_initialised(hybrid_spec(config, stage));
  std::vector<bool> is_learning(3, false);
  is_learning[stage] = true;
  model.set_learning(is_learning);
  return model;
}

class FrozenPrefixTest : public testing::Test {
 protected:
  torch::Tensor images_ = torch::rand({kBatch, 1, 8, 8});
  std::vector<KeptSamples> kept_ =
      keep_samples(draw_branch_scales(drop_path_rates(0.5, 4), kBatch, 1, Phase::incubation, 7, 0), torch::kCPU);
  StagedModel first_ = make_hybrid(0), second_ = make_hybrid(1), third_ = make_hybrid(2);
};

TEST_F(FrozenPrefixTest, InputIsWhatTheStagesBeforeMakeOfTheImages) {
  FrozenPrefix prefix(images_, kept_);
  EXPECT_TRUE(torch::equal(prefix.input_of(first_).x, images_));
  EXPECT_TRUE(torch::equal(prefix.input_of(third_).x, stage_outputs(third_, images_, kept_)[1]));
  EXPECT_TRUE(torch::equal(third_.forward_from(2, prefix.input_of(third_), kept_), third_.forward(images_, kept_)));
}

TEST_F(FrozenPrefixTest, SharedStagesRunOnce) {
  third_.share_stage(0, second_);
  FrozenPrefix prefix(images_, kept_);
  const torch::Tensor of_second = prefix.input_of(second_).x;
  prefix.input_of(third_);  // goes on from there
  EXPECT_EQ(prefix.input_of(second_).x.data_ptr(), of_second.data_ptr());
  EXPECT_EQ(prefix.input_of(third_).x.data_ptr(), prefix.input_of(third_).x.data_ptr());
}

TEST_F(FrozenPrefixTest, OtherStagesRunForThemselves) {
  const torch::NoGradGuard no_grad;
  third_.list_parameters(0)[0].tensor.add_(1);
  FrozenPrefix prefix(images_, kept_);
  const torch::Tensor of_second = prefix.input_of(second_).x;
  EXPECT_TRUE(torch::equal(prefix.input_of(third_).x, stage_outputs(third_, images_, kept_)[1]));
  EXPECT_EQ(prefix.input_of(second_).x.data_ptr(), of_second.data_ptr());
}

TEST_F(FrozenPrefixTest, RecordsNoGraph) {
  FrozenPrefix prefix(images_, kept_);
  EXPECT_FALSE(prefix.input_of(third_).x.requires_grad());
}

}  // namespace
}  // namespace incubate
