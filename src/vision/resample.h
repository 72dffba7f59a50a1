#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "vision/image.h"

namespace incubate {

/// The weights, in 1/2^22, with which neighbouring inputs make each output of one dimension.
class Taps {
 public:
  /// REQUIRES: no output has more than `most` inputs.
  Taps(std::int64_t num_outputs, std::int64_t most);
  void set(std::int64_t output, std::int64_t first, const std::vector<double>& weights);

  std::int64_t num_outputs() const { return static_cast<std::int64_t>(first_.size()); }
  /// Returns the inputs of each output: the same multiple of 4 for all, padded with weights of 0.
  std::int64_t num_inputs() const { return stride_; }
  std::int64_t first(std::int64_t output) const { return first_[output]; }
  const std::int32_t* weights(std::int64_t output) const { return &weights_[output * stride_]; }
  /// Returns begin and end of the inputs that any output needs.
  std::pair<std::int64_t, std::int64_t> inputs() const;

  /// Makes input `offset` the first.
  void shift(std::int64_t offset);
  /// Makes the last output the first.
  void reverse();

 private:
  std::int64_t stride_;
  std::vector<std::int64_t> first_;
  std::vector<std::int64_t> end_;
  std::vector<std::int32_t> weights_;
};

/// How sums are computed; every choice gives the same bytes. AVX2 is for bytes alone.
enum class Instructions { any_processor, avx2 };
/// Returns the fastest choice on this processor.
Instructions best_instructions();

/// Returns rows that are weighted sums of the rows of `image`, for columns `left` .. `left`+`width`-1.
Image combine_rows(const Image& image, const Taps& taps, std::int64_t left, std::int64_t width,
                   Instructions instructions = best_instructions());

/// Returns columns that are weighted sums of the columns of `image`, for rows `top` .. `top`+`height`-1.
Image combine_columns(const Image& image, const Taps& taps, std::int64_t top, std::int64_t height,
                      Instructions instructions = best_instructions());

}  // namespace incubate
