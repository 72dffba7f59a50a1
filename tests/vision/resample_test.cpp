#include "vision/resample.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "vision/resize.h"

namespace incubate {
namespace {

// resize_test.cpp and test_image_ops.py test the results; this file tests that all instructions agree.

Image make_noise(Generator& generator, std::int64_t height, std::int64_t width, std::int64_t channels) {
  Image image(height, width, channels);
  for (std::uint8_t& byte : image.bytes) byte = static_cast<std::uint8_t>(generator.below(256));
  return image;
}

/// Returns weights like those of a resize, some negative, up to 1.25.
Taps draw_taps(Generator& generator, std::int64_t num_inputs, std::int64_t num_outputs) {
  const std::int64_t most = 1 + generator.below(static_cast<std::uint32_t>(num_inputs));
  Taps taps(num_outputs, most);
  for (std::int64_t i = 0; i < num_outputs; ++i) {
    std::vector<double> weights(1 + generator.below(static_cast<std::uint32_t>(most)));
    double rest = 1;
    for (double& weight : weights) {
      weight = rest * (1.25 * generator.uniform());
      rest -= weight;
    }
    const auto num_free = static_cast<std::uint32_t>(num_inputs - static_cast<std::int64_t>(weights.size()) + 1);
    taps.set(i, generator.below(num_free), weights);
  }
  return taps;
}

TEST(Resample, AllInstructionsGiveTheSameBytes) {
  if (best_instructions() == Instructions::any_processor) GTEST_SKIP() << "this processor has no other instructions";
  Generator generator = make_generator(1, Purpose::augmentation, {});
  for (int i = 0; i < 300; ++i) {
    const std::int64_t height = 1 + generator.below(40), width = 1 + generator.below(40);
    const Image image = make_noise(generator, height, width, generator.below(4) == 0 ? 1 : 3);
    const std::int64_t num_outputs = 1 + generator.below(40);
    const std::int64_t top = generator.below(static_cast<std::uint32_t>(height));
    const std::int64_t left = generator.below(static_cast<std::uint32_t>(width));
    const Taps rows = draw_taps(generator, height, num_outputs), columns = draw_taps(generator, width, num_outputs);
    ASSERT_EQ(combine_rows(image, rows, left, width - left, best_instructions()),
              combine_rows(image, rows, left, width - left, Instructions::any_processor));
    ASSERT_EQ(combine_columns(image, columns, top, height - top, best_instructions()),
              combine_columns(image, columns, top, height - top, Instructions::any_processor));
  }
}

}  // namespace
}  // namespace incubate
