#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hdf5/file.h"

namespace incubate {

/// Exact sums of pixels' values and of their squares, per channel: the same in any order and of any parts.
struct PixelSums {
  __extension__ using Wide = unsigned __int128;  // squares of 16 bits are too many for 64 bits

  std::int64_t num_pixels = 0;
  std::vector<std::uint64_t> values;
  std::vector<Wide> squares;

  /// Adds pixels of `channels` values of `value_bytes` bytes each. REQUIRES: all added pixels are alike.
  void add(std::span<const std::uint8_t> bytes, std::int64_t channels, std::int64_t value_bytes);
  void add(const PixelSums& more);
  bool operator==(const PixelSums&) const = default;
};

/// Mean and standard deviation of each channel's values, in 0..1 of the largest value; empty if not known.
struct PixelStatistics {
  std::vector<double> mean;
  std::vector<double> std;

  bool operator==(const PixelStatistics&) const = default;
};

/// Returns such as "mean 0.485,0.456,0.406, deviation 0.229,0.224,0.225", rounded to 4 digits.
std::string to_text(const PixelStatistics& statistics);

/// Returns the statistics of pixels. REQUIRES: sums.num_pixels > 0.
PixelStatistics to_statistics(const PixelSums& sums, std::int64_t value_bytes);

/// Writes "/mean" and "/std"; nothing if they are empty.
void write_statistics(Hdf5File& file, const PixelStatistics& statistics);
/// Reads them; a file of an older program has none. Throws InputError, naming the file `name`, unless each has a number
/// in 0..1 for each channel.
PixelStatistics read_statistics(const Hdf5File& file, const std::string& name, std::int64_t channels);

}  // namespace incubate
