#include "vision/normalisation.h"

#include <gtest/gtest.h>

namespace incubate {
namespace {

TEST(Normalisation, EveryByteHasItsValue) {
  std::vector<std::uint8_t> bytes(256);
  for (int byte = 0; byte < 256; ++byte) bytes[byte] = static_cast<std::uint8_t>(byte);
  std::vector<float> planes(256);
  NormalisationTable({.mean = {0.485}, .std = {0.229}}).write_planes(Image(16, 16, 1, bytes), planes);
  for (int byte = 0; byte < 256; ++byte) EXPECT_EQ(planes[byte], static_cast<float>((byte / 255.0 - 0.485) / 0.229));
}

TEST(Normalisation, EveryByteOfColourHasItsValue) {
  const Normalisation normalisation = {.mean = {0.485, 0.456, 0.406}, .std = {0.229, 0.224, 0.225}};
  constexpr std::int64_t kWidth = 300;  // not a multiple of what vector instructions take at once
  Image image(1, kWidth, 3);
  for (std::int64_t i = 0; i < 3 * kWidth; ++i) image.bytes[i] = static_cast<std::uint8_t>(i / 3);
  std::vector<float> planes(3 * kWidth);
  NormalisationTable(normalisation).write_planes(image, planes);
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    for (std::int64_t x = 0; x < kWidth; ++x) {
      const double share = static_cast<double>(x % 256) / 255.0;
      EXPECT_EQ(planes[(channel * kWidth) + x],
                static_cast<float>((share - normalisation.mean[channel]) / normalisation.std[channel]));
    }
  }
}

TEST(Normalisation, ChannelsBecomePlanesWithTheirOwnValues) {
  const std::vector<std::uint8_t> bytes = {0, 51, 102, 153, 204, 255};  // two pixels of three channels
  std::vector<float> planes(6);
  NormalisationTable({.mean = {0, 0.2, 0.4}, .std = {1, 0.5, 0.25}}).write_planes(Image(1, 2, 3, bytes), planes);
  const std::array<double, 6> expected = {0 / 255.0,
                                          153 / 255.0,
                                          (51 / 255.0 - 0.2) / 0.5,
                                          (204 / 255.0 - 0.2) / 0.5,
                                          (102 / 255.0 - 0.4) / 0.25,
                                          (255 / 255.0 - 0.4) / 0.25};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(planes[i], static_cast<float>(expected[i])) << i;
}

}  // namespace
}  // namespace incubate
