#include <gtest/gtest.h>

#include "vision/image_samples.h"

namespace incubate {
namespace {

TEST(Normalisation, EveryByteOfEveryChannelHasItsValue) {
  const Normalisation normalisation = {.mean = {0.485, 0.456, 0.406}, .std = {0.229, 0.224, 0.225}};
  const std::vector<float> table = make_table(normalisation, 1);
  ASSERT_EQ(table.size(), 3 * 256);
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    for (int byte = 0; byte < 256; ++byte) {
      EXPECT_EQ(table[(256 * channel) + byte],
                static_cast<float>((byte / 255.0 - normalisation.mean[channel]) / normalisation.std[channel]));
    }
  }
}

// 257 times a byte is the same share of the largest value.
TEST(Normalisation, EveryValueOf16BitsHasItsValue) {
  const Normalisation normalisation = {.mean = {0.485, 0.456}, .std = {0.229, 0.224}};
  const std::vector<float> table = make_table(normalisation, 2), of_bytes = make_table(normalisation, 1);
  ASSERT_EQ(table.size(), 2 * 65536);
  for (std::int64_t channel = 0; channel < 2; ++channel) {
    for (int byte = 0; byte < 256; ++byte) {
      EXPECT_EQ(table[(65536 * channel) + (257 * byte)], of_bytes[(256 * channel) + byte]);
    }
  }
  EXPECT_EQ(table[1], static_cast<float>((1 / 65535.0 - 0.485) / 0.229));
}

}  // namespace
}  // namespace incubate
