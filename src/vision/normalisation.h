#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "vision/image.h"

namespace incubate {

/// Constants that turn bytes into a network's input.
struct Normalisation {
  std::vector<double> mean;  ///< per channel, in 0..1
  std::vector<double> std;
};

/// The normalised value (byte/255 - mean) / std of every byte, per channel.
class NormalisationTable {
 public:
  explicit NormalisationTable(const Normalisation& normalisation);

  /// Writes the planes (channels x height x width) of `image`. REQUIRES: the image has the normalisation's channels,
  /// and `planes` has room.
  void write_planes(const Image& image, std::span<float> planes) const;

  /// Returns one table per channel.
  std::span<const std::array<float, 256>> values() const { return values_; }

 private:
  /// value = scale x byte + offset, in fp64 before rounding to fp32.
  struct Line {
    double scale = 0;
    double offset = 0;
  };
  using Lines = std::array<Line, 3>;
  static void write_colors(const Image& image, const Lines& lines, float* planes);

  std::vector<std::array<float, 256>> values_;
  std::optional<Lines> lines_;  ///< for colour images; set only if it gives the same numbers as the table
};

}  // namespace incubate
