#include "model/resolution.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "model/staged_model.h"
#include "support/tiny_model.h"

namespace incubate {
namespace {

/// Of the class token, then of the patches of a square of `side`, each `value` of its row and column.
template <typename Value>
torch::Tensor make_embedding(std::int64_t side, Value value) {
  std::vector<torch::Tensor> tokens = {torch::tensor({-5.0, 8.0})};
  for (std::int64_t y = 0; y < side; ++y) {
    for (std::int64_t x = 0; x < side; ++x) tokens.push_back(value(y, x));
  }
  return torch::stack(tokens).unsqueeze(0).to(torch::kFloat32);
}

TEST(Resolution, AnEmbeddingOfTheSameSizeStays) {
  const torch::Tensor embedding = make_embedding(3, [](auto y, auto x) { return torch::tensor({1.0 * y, 3.0 * x}); });
  EXPECT_TRUE(torch::equal(resample_position_embedding(embedding, 3), embedding));
}

// Bicubic interpolation reproduces what is linear, away from the borders.
TEST(Resolution, TheClassTokenStaysAndWhatIsLinearStaysLinear) {
  const torch::Tensor embedding =
      make_embedding(8, [](auto y, auto x) { return torch::tensor({2.0 * y, 1.0 + (3.0 * x)}); });
  const torch::Tensor resampled = resample_position_embedding(embedding, 16);
  EXPECT_EQ(resampled.sizes(), (std::vector<std::int64_t>{1, 257, 2}));
  EXPECT_TRUE(torch::equal(resampled[0][0], embedding[0][0]));
  for (std::int64_t y = 4; y < 12; ++y) {
    for (std::int64_t x = 4; x < 12; ++x) {
      const torch::Tensor token = resampled[0][1 + (16 * y) + x];
      // The centre of patch y of 16 is at (y + 0.5)/2 of 8.
      EXPECT_NEAR(token[0].item<double>(), 2 * ((static_cast<double>(y) + 0.5) / 2 - 0.5), 1e-5);
      EXPECT_NEAR(token[1].item<double>(), 1 + (3 * ((static_cast<double>(x) + 0.5) / 2 - 0.5)), 1e-5);
    }
  }
}

TEST(Resolution, EveryOtherWeightIsCopied) {
  ModelSpec spec = target_spec(tiny_model_config());
  StagedModel model = make_initialised(spec);
  spec.image_size *= 2;
  StagedModel larger(spec);
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    change_resolution(larger.stage(i), model.stage(i));
    const auto before = model.stage(i).named_parameters();
    for (const ParameterInfo& parameter : larger.stage(i).list_parameters()) {
      const torch::Tensor expected = parameter.name == "pos_embed"
                                         ? resample_position_embedding(before[parameter.name], 4)
                                         : before[parameter.name];
      EXPECT_TRUE(torch::equal(parameter.tensor, expected)) << parameter.name;
    }
  }
  EXPECT_EQ(larger.forward(torch::ones({1, 1, 16, 16}), {}).size(1), 3);
}

}  // namespace
}  // namespace incubate
