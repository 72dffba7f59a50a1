#include "model/linear_head.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "support/tiny_model.h"
#include "support/tiny_resnet.h"

namespace incubate {
namespace {

std::vector<std::string> names_of(const std::vector<ParameterInfo>& list) {
  std::vector<std::string> names;
  for (const ParameterInfo& p : list) names.push_back(p.name);
  return names;
}

TEST(LinearHead, HasItsFamilysNamesAndOnlyItsWeightDecays) {
  LinearHead head(target_spec(tiny_model_config()));
  LinearHead fc(target_spec(tiny_resnet_config()));
  EXPECT_EQ(names_of(head.list_parameters()), (std::vector<std::string>{"head.weight", "head.bias"}));
  EXPECT_EQ(names_of(fc.list_parameters()), (std::vector<std::string>{"fc.weight", "fc.bias"}));
  EXPECT_TRUE(head.list_parameters()[0].decays);
  EXPECT_FALSE(head.list_parameters()[1].decays);
}

TEST(LinearHead, MapsTheSummaryToLogits) {
  LinearHead head(target_spec(tiny_model_config()));
  head.initialise(1, Phase::meta, 2);
  const torch::Tensor summary = torch::randn({5, 8});
  const auto weights = head.named_parameters();
  EXPECT_TRUE(torch::allclose(head.forward({.summary = summary}),
                              torch::addmm(weights["head.bias"], summary, weights["head.weight"].t())));
}

TEST(LinearHead, FirstWeightsAreAddressedBySeedPhaseStageAndName) {
  LinearHead head(target_spec(tiny_model_config()));
  const auto weight_of = [&](std::uint64_t seed, Phase phase, std::int64_t stage) {
    head.initialise(seed, phase, stage);
    return head.list_parameters()[0].tensor.clone();
  };
  const torch::Tensor first = weight_of(1, Phase::meta, 2);
  EXPECT_TRUE(torch::equal(first, weight_of(1, Phase::meta, 2)));
  EXPECT_FALSE(torch::equal(first, weight_of(2, Phase::meta, 2)));
  EXPECT_FALSE(torch::equal(first, weight_of(1, Phase::end_to_end, 2)));
  EXPECT_FALSE(torch::equal(first, weight_of(1, Phase::meta, 1)));
  EXPECT_FALSE(head.list_parameters()[1].tensor.any().item<bool>());
}

TEST(LinearHead, CostIsWhatItHasAndKeeps) {
  const ModelSpec spec = target_spec(tiny_model_config());  // width 8, three classes
  LinearHead head(spec);
  std::int64_t count = 0;
  for (const ParameterInfo& p : head.list_parameters()) count += p.tensor.numel();
  EXPECT_EQ(linear_head_cost(spec).num_parameters, count);
  EXPECT_EQ(linear_head_cost(spec).kept_bytes, (4 * 8) + (2 * 4 * 3));
  EXPECT_EQ(linear_head_cost(spec).frozen_kept_bytes, 2 * 4 * 3);
}

}  // namespace
}  // namespace incubate
