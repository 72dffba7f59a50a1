#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "vision/image.h"

namespace incubate {

/// Turns bytes into the numbers a network sees.
struct Normalisation {
  std::vector<double> mean;  ///< of each channel, in 0..1
  std::vector<double> std;
};

/// The normalised value of every byte, (byte/255 - mean) / std, of each channel.
class NormalisationTable {
 public:
  explicit NormalisationTable(const Normalisation& normalisation);

  /// Writes the planes (channels x height x width) of `image`. REQUIRES: as many channels as the normalisation has, and
  /// room for them.
  void write_planes(const Image& image, std::span<float> planes) const;

  /// Of each channel.
  std::span<const std::array<float, 256>> values() const { return values_; }

 private:
  /// value = scale x byte + offset, in fp64 before it is rounded to fp32.
  struct Line {
    double scale = 0;
    double offset = 0;
  };
  using Lines = std::array<Line, 3>;
  static void write_colors(const Image& image, const Lines& lines, float* planes);

  std::vector<std::array<float, 256>> values_;
  std::optional<Lines> lines_;  ///< of colour images; only if they give the same numbers as the table
};

}  // namespace incubate
