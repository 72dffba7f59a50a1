#include <gtest/gtest.h>

#include "vision/image_samples.h"

namespace incubate {
namespace {

TEST(Normalisation, EveryByteOfEveryChannelHasItsValue) {
  const Normalisation normalisation = {.mean = {0.485, 0.456, 0.406}, .std = {0.229, 0.224, 0.225}};
  const std::vector<float> table = make_table(normalisation);
  ASSERT_EQ(table.size(), 3 * 256);
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    for (int byte = 0; byte < 256; ++byte) {
      EXPECT_EQ(table[(256 * channel) + byte],
                static_cast<float>((byte / 255.0 - normalisation.mean[channel]) / normalisation.std[channel]));
    }
  }
}

}  // namespace
}  // namespace incubate
