#include "image/normalisation.h"

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
