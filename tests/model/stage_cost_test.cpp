// A GPU takes the path by ATen, as double does on a CPU: the formulas for fp32 are compared with twice the bytes.

#include "model/stage_cost.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "model/staged_model.h"
#include "support/tensor_bytes.h"
#include "support/tiny_model.h"
#include "support/tiny_resnet.h"

namespace incubate {
namespace {

constexpr std::int64_t kMeasuredBatch = 4;

/// Returns 65 tokens of width 48, so that parts outside images are negligible.
ModelConfig vit_config() {
  ModelConfig config = tiny_model_config();
  config.image_size = 32;
  config.channels = 3;
  config.width = 48;
  config.mlp_ratio = 4;
  config.depths = {2, 2, 2};
  return config;
}

ModelConfig resnet_config() {
  ModelConfig config = tiny_resnet_config();
  config.image_size = 32;
  config.channels = 3;
  return config;
}

struct MeasuredBytes {
  std::int64_t kept = 0;     ///< by the graph, and what flows into it
  std::int64_t working = 0;  ///< most on top of that, until the backward pass is over
};

/// Measures kMeasuredBatch images, in double.
MeasuredBytes measure(const ModelSpec& spec, const std::vector<bool>& is_learning) {
  StagedModel model = make_initialised(spec);
  model.set_learning(is_learning);
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    model.stage(i).to(torch::kFloat64);
    model.head().to(torch::kFloat64);
    for (ParameterInfo& p : model.list_parameters(i)) {
      if (p.tensor.requires_grad()) p.tensor.mutable_grad() = torch::zeros_like(p.tensor);
    }
  }
  Activations x{torch::randn({kMeasuredBatch, spec.channels, spec.image_size, spec.image_size}, torch::kFloat64)};
  const std::int64_t first = model.first_learning();
  for (std::int64_t i = 0; i < first; ++i) model.forward_stage(i, x, {});
  const std::int64_t input_bytes = first == 0 ? 0 : static_cast<std::int64_t>(x.x.nbytes());  // images count elsewhere
  MeasuredBytes measured;
  TensorBytes::count([&](const TensorBytes& bytes) {
    torch::Tensor logits = model.forward_from(first, x, {});
    torch::Tensor loss = torch::log_softmax(logits, 1).select(1, 0).sum();
    const std::int64_t kept = bytes.now();
    loss.backward();
    measured = {kept + input_bytes, bytes.peak() - kept};
  });
  return measured;
}

StageUse use_of(const std::vector<bool>& is_learning, std::int64_t first, std::int64_t index) {
  if (is_learning[index]) return StageUse::learning;
  return index < first ? StageUse::without_graph : StageUse::frozen;
}

/// Returns the formula's bytes, in double.
MeasuredBytes expect(const ModelSpec& spec, const std::vector<bool>& is_learning) {
  const std::int64_t first = std::ranges::find(is_learning, true) - is_learning.begin();
  MeasuredBytes bytes;
  for (std::int64_t i = first; i < spec.num_stages(); ++i) {
    const StageActivations stage = stage_activations(spec, i, use_of(is_learning, first, i));
    bytes.kept += 2 * kMeasuredBatch * stage.kept;
    bytes.working = std::max(bytes.working, 2 * ((kMeasuredBatch * stage.backward) + stage.weight_gradient));
  }
  const HeadCost head = linear_head_cost(spec);
  bytes.kept += 2 * kMeasuredBatch * (is_learning.back() ? head.kept_bytes : head.frozen_kept_bytes);
  return bytes;
}

const std::vector<std::vector<bool>> kUses = {
    {true, true, true}, {true, false, false}, {false, true, false}, {false, false, true}};

TEST(StageActivations, AreWhatAtenKeepsOfAVisionTransformer) {
  for (const double layer_scale : {0.0, 0.1}) {
    for (const bool qkv_bias : {true, false}) {
      for (const std::vector<bool>& is_learning : kUses) {
        ModelConfig config = vit_config();
        config.layer_scale = layer_scale;
        config.qkv_bias = qkv_bias;
        const MeasuredBytes measured = measure(target_spec(config), is_learning);
        const MeasuredBytes expected = expect(target_spec(config), is_learning);
        EXPECT_NEAR(static_cast<double>(expected.kept) / static_cast<double>(measured.kept), 1, 0.01)
            << layer_scale << testing::PrintToString(is_learning);
        // An upper bound: what has been freed by then is not deducted.
        const double working = static_cast<double>(expected.working) / static_cast<double>(measured.working);
        EXPECT_GE(working, 1) << testing::PrintToString(is_learning);
        EXPECT_LE(working, 1.75) << testing::PrintToString(is_learning);
      }
    }
  }
}

TEST(StageActivations, AreWhatAtenKeepsOfAResidualNetwork) {
  for (const std::vector<bool>& is_learning : kUses) {
    const ModelSpec spec = target_spec(resnet_config());
    const auto measured = static_cast<double>(measure(spec, is_learning).kept);
    EXPECT_NEAR(static_cast<double>(expect(spec, is_learning).kept) / measured, 1, 0.02)
        << testing::PrintToString(is_learning);
  }
}

TEST(StageActivations, AreWhatAtenHoldsWithoutAGraph) {
  const torch::NoGradGuard no_grad;
  const ModelSpec spec = target_spec(vit_config());
  StagedModel model = make_initialised(spec);
  model.stage(1).to(torch::kFloat64);
  const torch::Tensor x = torch::randn({kMeasuredBatch, spec.num_tokens(), spec.width}, torch::kFloat64);
  const StageActivations stage = stage_activations(spec, 1, StageUse::without_graph);
  TensorBytes::count([&](const TensorBytes& bytes) {
    const torch::Tensor output = model.stage(1).forward(x, {});
    EXPECT_EQ(bytes.now(), 2 * kMeasuredBatch * stage.output);
    EXPECT_NEAR(static_cast<double>(2 * kMeasuredBatch * stage.alone) / static_cast<double>(bytes.peak()), 1, 0.05);
  });
}

// 5 tokens, width 8, 2 heads, MLP ratio 2, patches of 16 values, three classes.
TEST(StageActivations, OfATinyVisionTransformerInBothPrecisions) {
  ModelSpec spec = target_spec(tiny_model_config());
  const StageActivations fp32 = stage_activations(spec, 1, StageUse::learning);
  EXPECT_EQ(fp32.kept, 5 * 4 * ((12 * 8) + 4 + 2));
  EXPECT_EQ(fp32.inputs, 5 * 32);
  EXPECT_EQ(fp32.block, fp32.kept - (5 * 32) + (5 * (32 + (2 * 32))));  // with its outputs
  EXPECT_EQ(fp32.backward, 5 * (32 + (8 * 32)));
  EXPECT_EQ(fp32.alone, 5 * ((3 * 32) + (9 * 32)));
  EXPECT_EQ(fp32.weight_gradient, 4 * 3 * 8 * 8);

  spec.precision = Precision::bf16;
  // x of a token has 32 bytes, a branch's values 16, the hidden layer 32; norms' statistics 8, log-sum-exp 8.
  const std::int64_t learning = 5 * ((2 * (32 + 8)) + (2 * 16) + (3 * 16) + 16 + 8 + (2 * 32));
  const std::int64_t frozen = 5 * ((2 * (32 + 8)) + (3 * 16) + 16 + 8 + 32);
  EXPECT_EQ(learning, 1240);
  EXPECT_EQ(frozen, 920);
  const std::int64_t last_learning = (5 * (32 + 8 + 16 + 48)) + (16 + 8) + (32 + 8 + 16) + (2 * 32);
  const StageActivations first = stage_activations(spec, 0, StageUse::learning);
  EXPECT_EQ(first.kept, (2 * learning) + (4 * 16 * 2));
  EXPECT_EQ(first.inputs, (5 * 32) + (5 * (32 + 16)) + (4 * 16 * 2));
  EXPECT_EQ(first.block, learning + (5 * (32 + (2 * 16))));
  EXPECT_EQ(first.backward, 5 * (32 + (8 * 16)));
  EXPECT_EQ(first.alone, 5 * ((3 * 32) + (9 * 16)));
  EXPECT_EQ(first.output, 5 * 32);
  EXPECT_EQ(first.weight_gradient, 2 * 3 * 8 * 8);
  EXPECT_EQ(stage_activations(spec, 1, StageUse::frozen).kept, frozen);
  EXPECT_EQ(stage_activations(spec, 1, StageUse::frozen).weight_gradient, 0);
  const StageActivations last = stage_activations(spec, 2, StageUse::learning);
  EXPECT_EQ(last.kept, learning + last_learning + 32 + 8);
  EXPECT_EQ(last.inputs, (5 * 32) + (5 * (32 + 16)) + 32 + 8);

  spec.layer_scale = 0.1;
  EXPECT_EQ(stage_activations(spec, 1, StageUse::learning).kept, learning + (2 * 5 * 32));
  EXPECT_EQ(stage_activations(spec, 1, StageUse::learning).inputs, 2 * 5 * 32);
  EXPECT_EQ(stage_activations(spec, 1, StageUse::frozen).kept, frozen);
}

// 4 channels of 8x8, 8 of 4x4, 16 of 2x2: maps of 256, 128 and 64 values.
TEST(StageActivations, OfATinyResidualNetwork) {
  const ModelSpec spec = target_spec(tiny_resnet_config());
  const StageActivations first = stage_activations(spec, 0, StageUse::learning);
  EXPECT_EQ(first.kept, 4 * (256 + (8 * 256)));
  EXPECT_EQ(first.inputs, 4 * (256 + (2 * 256)));
  EXPECT_EQ(first.backward, 4 * 3 * 256);
  const StageActivations second = stage_activations(spec, 1, StageUse::learning);
  EXPECT_EQ(second.kept, 4 * (256 + (3 * 128) + (4 * 128)));
  EXPECT_EQ(second.inputs, 4 * (256 + 128));
  EXPECT_EQ(second.block, 4 * (3 + 2) * 128);
  EXPECT_EQ(second.backward, 4 * ((2 * 128) + 256));
  EXPECT_EQ(second.alone, 4 * (256 + (3 * 128)));
  EXPECT_EQ(second.output, 4 * 128);
  EXPECT_EQ(second.weight_gradient, 4 * 9 * 8 * 8);
  EXPECT_EQ(stage_activations(spec, 1, StageUse::frozen).kept, second.kept);
  EXPECT_EQ(stage_activations(spec, 1, StageUse::frozen).weight_gradient, 0);
}

}  // namespace
}  // namespace incubate
