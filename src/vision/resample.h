#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "vision/image.h"

namespace incubate {

/// What the outputs of one dimension are made of: neighbouring inputs with weights in 1/2^22.
class Taps {
 public:
  /// REQUIRES: no output has more than `most` inputs.
  Taps(std::int64_t num_outputs, std::int64_t most);
  void set(std::int64_t output, std::int64_t first, const std::vector<double>& weights);

  std::int64_t num_outputs() const { return static_cast<std::int64_t>(first_.size()); }
  /// Inputs of each output: the same number, a multiple of 4, by weights of 0 behind the others.
  std::int64_t num_inputs() const { return stride_; }
  std::int64_t first(std::int64_t output) const { return first_[output]; }
  const std::int32_t* weights(std::int64_t output) const { return &weights_[output * stride_]; }
  /// Those inputs that any output needs: begin and end.
  std::pair<std::int64_t, std::int64_t> inputs() const;

  /// Input `offset` becomes the first.
  void shift(std::int64_t offset);
  /// The last output becomes the first.
  void reverse();

 private:
  std::int64_t stride_;
  std::vector<std::int64_t> first_;
  std::vector<std::int64_t> end_;
  std::vector<std::int32_t> weights_;
};

/// How sums are computed; all kinds give the same bytes.
enum class Instructions { any_processor, avx2 };
/// The fastest kind that this processor has.
Instructions best_instructions();

/// Each row is a weighted sum of rows of `image`, of which columns `left` .. `left`+`width`-1 are taken.
Image combine_rows(const Image& image, const Taps& taps, std::int64_t left, std::int64_t width,
                   Instructions instructions = best_instructions());

/// Each column is a weighted sum of columns of `image`, of which rows `top` .. `top`+`height`-1 are taken.
Image combine_columns(const Image& image, const Taps& taps, std::int64_t top, std::int64_t height,
                      Instructions instructions = best_instructions());

}  // namespace incubate
