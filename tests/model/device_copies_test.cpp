// On a GPU a copy of pageable memory waits for all that the GPU has been given. torch::kMeta stands for one here.

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "model/drop_path.h"
#include "support/host_inputs.h"
#include "support/tiny_model.h"
#include "support/tiny_resnet.h"

namespace incubate {
namespace {

constexpr std::int64_t kBatchSize = 4;

struct DeviceCase {
  const char* name;
  ModelConfig config;
  Precision precision = Precision::fp32;
  Recompute recompute = Recompute::none;
};

class DeviceCopies : public testing::TestWithParam<DeviceCase> {};

TEST_P(DeviceCopies, ThereAreNoneInAPassWithStochasticDepth) {
  ModelSpec spec = target_spec(GetParam().config);
  spec.precision = GetParam().precision;
  spec.recompute = GetParam().recompute;
  StagedModel model = make_initialised(spec);
  model.to(torch::kMeta);
  model.update_copies();
  const torch::Tensor images = torch::randn({kBatchSize, 1, 8, 8}, torch::kMeta);
  const torch::Tensor scales =
      draw_branch_scales(drop_path_rates(0.5, spec.num_blocks()), kBatchSize, 1, Phase::meta, 0, 0);
  const std::vector<KeptSamples> kept = keep_samples(scales, torch::kMeta);
  const std::vector<std::string> host =
      list_host_inputs([&] { model.forward(images, kept).square().sum().backward(); });
  EXPECT_EQ(host, std::vector<std::string>());
  EXPECT_TRUE(model.stage(0).list_parameters().back().tensor.grad().defined());
}

INSTANTIATE_TEST_SUITE_P(
    Networks, DeviceCopies,
    testing::Values(DeviceCase{"vit", tiny_model_config()},
                    DeviceCase{"vit_recomputed", tiny_model_config(), Precision::fp32, Recompute::blocks},
                    DeviceCase{"vit_bf16", tiny_model_config(), Precision::bf16},
                    DeviceCase{"resnet", tiny_resnet_config()},
                    DeviceCase{"resnet_recomputed", tiny_resnet_config(), Precision::fp32, Recompute::blocks}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace incubate
