#include "vision/pixel_statistics.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include <fmt/ranges.h>

#include "base/check.h"
#include "vision/image.h"

namespace incubate {
namespace {

constexpr std::int64_t kLanes = 12;          // a multiple of 1, 3 and 4 channels
constexpr std::int64_t kMostRounds = 65536;  // 255 squared as often is less than 2^32

/// Adds values i of `part` to lane i % kLanes. REQUIRES: no more than kMostRounds x kLanes values.
template <typename Value>
void add_lanes(std::span<const Value> part, std::span<std::uint64_t, kLanes> values,
               std::span<std::uint64_t, kLanes> squares) {
  using Sum = std::conditional_t<sizeof(Value) == 1, std::uint32_t, std::uint64_t>;
  Sum some_values[kLanes] = {}, some_squares[kLanes] = {};
  const Value* in = part.data();
  const auto num_rounds = static_cast<std::int64_t>(part.size()) / kLanes;
  for (std::int64_t round = 0; round < num_rounds; ++round, in += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      const Sum value = in[lane];
      some_values[lane] += value;
      some_squares[lane] += value * value;
    }
  }
  for (std::int64_t lane = 0; num_rounds * kLanes + lane < std::ssize(part); ++lane) {
    const Sum value = in[lane];
    values[lane] += value;
    squares[lane] += value * value;
  }
  for (std::int64_t lane = 0; lane < kLanes; ++lane) {
    values[lane] += some_values[lane];
    squares[lane] += some_squares[lane];
  }
}

template <typename Value>
void add_values(std::span<const Value> all, std::int64_t channels, PixelSums& sums) {
  for (std::size_t begin = 0; begin < all.size(); begin += kMostRounds * kLanes) {
    std::uint64_t values[kLanes] = {}, squares[kLanes] = {};
    add_lanes(all.subspan(begin, std::min<std::size_t>(kMostRounds * kLanes, all.size() - begin)),
              std::span<std::uint64_t, kLanes>(values), std::span<std::uint64_t, kLanes>(squares));
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      sums.values[lane % channels] += values[lane];
      sums.squares[lane % channels] += squares[lane];
    }
  }
}

}  // namespace

void PixelSums::add(std::span<const std::uint8_t> bytes, std::int64_t channels, std::int64_t value_bytes) {
  values.resize(channels);
  squares.resize(channels);
  num_pixels += std::ssize(bytes) / (channels * value_bytes);
  if (value_bytes == 1) {
    add_values(bytes, channels, *this);
  } else {
    add_values(as_16_bits(bytes), channels, *this);
  }
}

void PixelSums::add(const PixelSums& more) {
  values.resize(more.values.size());
  squares.resize(more.squares.size());
  num_pixels += more.num_pixels;
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] += more.values[i];
    squares[i] += more.squares[i];
  }
}

PixelStatistics to_statistics(const PixelSums& sums, std::int64_t value_bytes) {
  const double most = (value_bytes == 1 ? 255.0 : 65535.0) * static_cast<double>(sums.num_pixels);
  const auto count = static_cast<PixelSums::Wide>(sums.num_pixels);
  PixelStatistics statistics;
  for (std::size_t i = 0; i < sums.values.size(); ++i) {
    const PixelSums::Wide value = sums.values[i];
    statistics.mean.push_back(static_cast<double>(value) / most);
    // count^2 times the variance, exactly.
    statistics.std.push_back(std::sqrt(static_cast<double>((count * sums.squares[i]) - (value * value))) / most);
  }
  return statistics;
}

std::string to_text(const PixelStatistics& statistics) {
  return fmt::format("mean {:.4f}, deviation {:.4f}", fmt::join(statistics.mean, ","), fmt::join(statistics.std, ","));
}

void write_statistics(Hdf5File& file, const PixelStatistics& statistics) {
  if (statistics.mean.empty()) return;
  file.write("/mean", statistics.mean);
  file.write("/std", statistics.std);
}

PixelStatistics read_statistics(const Hdf5File& file, const std::string& name, std::int64_t channels) {
  if (!file.contains("/mean")) return {};
  PixelStatistics statistics{.mean = file.read<double>("/mean"), .std = file.read<double>("/std")};
  for (const std::vector<double>* values : {&statistics.mean, &statistics.std}) {
    check_input(std::ssize(*values) == channels &&
                    std::ranges::all_of(*values, [](double value) { return value >= 0 && value <= 1; }),
                "{}: /mean and /std have no number in 0..1 for each of {} channels. Pack it again.", name, channels);
  }
  return statistics;
}

}  // namespace incubate
