#pragma once

#include <array>
#include <cstdint>

#include "base/exact_sum.h"

namespace incubate {

/// Counts and sums over evaluated images, which add up over batches and ranks exactly.
struct EvaluationSums {
  std::int64_t num_images = 0;
  std::int64_t top1_hits = 0;
  std::int64_t top5_hits = 0;
  std::int64_t loss_units = 0;  ///< summed loss in units of 2^-40

  EvaluationSums& operator+=(const EvaluationSums& other) {
    num_images += other.num_images;
    top1_hits += other.top1_hits;
    top5_hits += other.top5_hits;
    loss_units += other.loss_units;
    return *this;
  }
  std::array<std::int64_t, 4> pack() const { return {num_images, top1_hits, top5_hits, loss_units}; }
  static EvaluationSums unpack(const std::array<std::int64_t, 4>& n) { return {n[0], n[1], n[2], n[3]}; }
};

/// How good a network is on the validation images.
struct Evaluation {
  double loss = 0;
  double top1 = 0;  ///< fraction, 0..1
  double top5 = 0;
};

/// REQUIRES: sums.num_images > 0.
inline Evaluation mean_of(const EvaluationSums& sums) {
  const auto count = static_cast<double>(sums.num_images);
  return {from_exact_units(sums.loss_units) / count, static_cast<double>(sums.top1_hits) / count,
          static_cast<double>(sums.top5_hits) / count};
}

}  // namespace incubate
