#pragma once

#include <array>
#include <span>
#include <vector>

#include "image/image.h"

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

 private:
  std::vector<std::array<float, 256>> values_;
};

}  // namespace incubate
