#pragma once

#include <vector>

namespace incubate {

/// Constants that turn bytes into a network's input.
struct Normalisation {
  std::vector<double> mean;  ///< per channel, in 0..1
  std::vector<double> std;
};

/// Returns the normalised value (byte/255 - mean) / std of every byte: channels x 256.
std::vector<float> make_table(const Normalisation& normalisation);

}  // namespace incubate
