#include "model/resolution.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "model/staged_model.h"
#include "support/tiny_model.h"

namespace incubate {
namespace {

/// Returns an embedding of the class token, then of the patches of a square: each the `value` of its row and column.
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

/// Returns Keys's cubic convolution kernel with a = -0.75 ("Cubic convolution interpolation for digital image
/// processing", IEEE Trans. ASSP 29, 1981).
double cubic_weight(double distance) {
  constexpr double a = -0.75;
  const double d = std::fabs(distance);
  if (d <= 1) return ((((a + 2) * d) - (a + 3)) * d * d) + 1;
  return d < 2 ? ((((a * d) - (5 * a)) * d + (8 * a)) * d) - (4 * a) : 0;
}

/// Interpolates `value` at `place` between the centres of `side` patches. Beyond the border values repeat.
template <typename Value>
double interpolate(double place, std::int64_t side, Value value) {
  double sum = 0;
  for (std::int64_t i = -2; i < side + 2; ++i) {
    sum += cubic_weight(place - static_cast<double>(i)) * value(std::clamp<std::int64_t>(i, 0, side - 1));
  }
  return sum;
}

TEST(Resolution, TheClassTokenStaysAndPatchesAreInterpolatedBicubically) {
  const auto of_row = [](std::int64_t y) { return static_cast<double>(y * y); };
  const auto of_column = [](std::int64_t x) { return static_cast<double>((x * 7) % 5); };
  const torch::Tensor embedding = make_embedding(8, [&](auto y, auto x) {
    return torch::tensor({of_row(y), of_column(x)});
  });
  for (const std::int64_t side : {5, 12, 16}) {
    const torch::Tensor resampled = resample_position_embedding(embedding, side);
    EXPECT_EQ(resampled.sizes(), (std::vector<std::int64_t>{1, 1 + (side * side), 2}));
    EXPECT_TRUE(torch::equal(resampled[0][0], embedding[0][0]));
    const auto place_of = [side](std::int64_t i) {  // centres of patches at the same part of the image
      return ((static_cast<double>(i) + 0.5) * 8 / static_cast<double>(side)) - 0.5;
    };
    for (std::int64_t y = 0; y < side; ++y) {
      for (std::int64_t x = 0; x < side; ++x) {
        const torch::Tensor token = resampled[0][1 + (side * y) + x];
        EXPECT_NEAR(token[0].item<double>(), interpolate(place_of(y), 8, of_row), 1e-4);
        EXPECT_NEAR(token[1].item<double>(), interpolate(place_of(x), 8, of_column), 1e-4);
      }
    }
  }
}

TEST(Resolution, EveryOtherWeightIsCopied) {
  ModelSpec spec = target_spec(tiny_model_config());
  StagedModel model = make_initialised(spec);
  spec.image_size *= 2;
  StagedModel larger = make_classifier(spec);
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
