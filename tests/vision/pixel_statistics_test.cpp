#include "vision/pixel_statistics.h"

#include <gtest/gtest.h>

namespace incubate {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(PixelStatistics, HalfBlackAndHalfWhiteHasMeanAndDeviationOfAHalf) {
  for (const std::int64_t value_bytes : {1, 2}) {
    for (const std::int64_t channels : {1, 3, 4}) {
      // More than what one round of sums may hold; the second channel is white everywhere.
      Bytes bytes((1'000'000 * channels + 2 * channels) * value_bytes, 255);
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        const std::size_t value = i / value_bytes, channel = value % channels;
        if (channel != 1 && value / channels % 2 == 0) bytes[i] = 0;
      }
      PixelSums sums;
      sums.add(bytes, channels, value_bytes);
      EXPECT_EQ(sums.num_pixels, 1'000'002);
      const PixelStatistics statistics = to_statistics(sums, value_bytes);
      for (std::int64_t i = 0; i < channels; ++i) {
        EXPECT_EQ(statistics.mean[i], i == 1 ? 1 : 0.5);
        EXPECT_EQ(statistics.std[i], i == 1 ? 0 : 0.5);
      }
    }
  }
}

TEST(PixelStatistics, PartsInAnyOrderHaveTheSameSums) {
  Bytes bytes(999);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * i * 31 / 7);
  PixelSums all, first, last;
  all.add(bytes, 3, 1);
  last.add(std::span(bytes).subspan(300), 3, 1);
  first.add(std::span(bytes).first(300), 3, 1);
  PixelSums joined;
  joined.add(last);
  joined.add(first);
  EXPECT_EQ(joined, all);
  std::uint64_t greens = 0, squares = 0;
  for (std::size_t i = 1; i < bytes.size(); i += 3) {
    greens += bytes[i];
    squares += std::uint64_t{bytes[i]} * bytes[i];
  }
  EXPECT_EQ(all.values[1], greens);
  EXPECT_TRUE(all.squares[1] == squares);
}

// 2^34 white pixels of 16 bits: the sum of their squares has 66 bits.
TEST(PixelStatistics, SumsOfManyPixelsDoNotOverflow) {
  PixelSums sums;
  sums.add(Bytes(2 << 10, 255), 1, 2);
  for (int i = 0; i < 24; ++i) sums.add(PixelSums(sums));
  EXPECT_EQ(sums.num_pixels, std::int64_t{1} << 34);
  EXPECT_EQ(to_statistics(sums, 2), (PixelStatistics{.mean = {1}, .std = {0}}));
}

TEST(PixelStatistics, AreToldInFourDigits) {
  EXPECT_EQ(to_text(PixelStatistics{.mean = {0.48502, 0.5}, .std = {0.25, 1}}),
            "mean 0.4850,0.5000, deviation 0.2500,1.0000");
}

}  // namespace
}  // namespace incubate
