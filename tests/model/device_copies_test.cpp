#include <gtest/gtest.h>
#include <torch/torch.h>

#include "model/drop_path.h"
#include "support/device_waits.h"
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
  model.update_copies();
  const torch::Tensor images = torch::randn({kBatchSize, 1, 8, 8});
  const torch::Tensor scales =
      draw_branch_scales(drop_path_rates(0.5, spec.num_blocks()), kBatchSize, 1, Phase::meta, 0, 0);
  const std::vector<KeptSamples> kept = keep_samples(scales, torch::kCPU);
  const std::vector<std::string> waits =
      list_device_waits([&] { model.forward(images, kept).square().sum().backward(); });
  EXPECT_EQ(waits, std::vector<std::string>());
  EXPECT_TRUE(model.list_parameters(0).back().tensor.grad().defined());
}

// This shows that the test above can fail.
TEST(DeviceWaits, AreSeen) {
  const torch::Tensor x = torch::ones({3});
  EXPECT_EQ(list_device_waits([&] { x.to(torch::kCPU); }), std::vector<std::string>{"aten::to"});
  EXPECT_EQ(list_device_waits([&] { x.nonzero(); }), std::vector<std::string>{"aten::nonzero"});
  EXPECT_EQ(list_device_waits([&] { x.sum().item<float>(); }), std::vector<std::string>{"aten::_local_scalar_dense"});
  EXPECT_EQ(list_device_waits([&] { x.to(torch::kFloat64).add(1); }), std::vector<std::string>());
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
