#include "vision/resize.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "vision/resample.h"

namespace incubate {
namespace {

constexpr double kSupport = 2;  // of the cubic, in pixels of the coarser grid

/// Keys 1981, "Cubic convolution interpolation", a = -1/2.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return (((a + 2) * x - (a + 3)) * x * x) + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/// Returns the taps of outputs begin .. begin+count-1. All `num_outputs` outputs cover inputs `box_begin` ..
/// `box_begin`+`box_size`-1 of `num_inputs`.
Taps make_taps(std::int64_t num_inputs, std::int64_t box_begin, std::int64_t box_size, std::int64_t num_outputs,
               std::int64_t begin, std::int64_t count) {
  const double scale = static_cast<double>(box_size) / static_cast<double>(num_outputs);
  const double filter_scale = std::max(scale, 1.0);
  const double support = kSupport * filter_scale;
  const double inverse_scale = 1.0 / filter_scale;
  const auto center = [&](std::int64_t i) {
    return static_cast<double>(box_begin) + ((static_cast<double>(begin + i) + 0.5) * scale);
  };
  const auto first_of = [&](std::int64_t i) {
    return std::max<std::int64_t>(static_cast<std::int64_t>(center(i) - support + 0.5), 0);
  };
  const auto end_of = [&](std::int64_t i) {
    return std::min(static_cast<std::int64_t>(center(i) + support + 0.5), num_inputs);
  };
  std::int64_t most = 0;
  for (std::int64_t i = 0; i < count; ++i) most = std::max(most, end_of(i) - first_of(i));
  Taps taps(count, most);
  std::vector<double> weights;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t first = first_of(i), end = end_of(i);
    double sum = 0;
    weights.clear();
    for (std::int64_t input = first; input < end; ++input) {
      weights.push_back(cubic((static_cast<double>(input) - center(i) + 0.5) * inverse_scale));
      sum += weights.back();
    }
    for (double& weight : weights) weight = sum == 0 ? weight : weight / sum;
    taps.set(i, first, weights);
  }
  return taps;
}

/// Both passes of a resize. Their order is part of the result, because each rounds to the image's bits.
struct Passes {
  Taps rows;
  Taps columns;
  bool is_rows_last = false;
};

/// Plans the passes that resize `box` of an image of `whole` pixels and make `view` of it.
Passes plan_passes(const Box& whole, const Box& box, const ResizedView& view) {
  Passes passes = {make_taps(whole.height, box.top, box.height, view.height, view.window.top, view.window.height),
                   make_taps(whole.width, box.left, box.width, view.width, view.window.left, view.window.width),
                   whole.height > view.height && whole.height - view.height > 2 * (whole.width - view.width)};
  if (view.is_mirrored) passes.columns.reverse();
  return passes;
}

/// Returns the pixels that `passes` need.
Box find_inputs(const Passes& passes) {
  const auto [top, bottom] = passes.rows.inputs();
  const auto [left, right] = passes.columns.inputs();
  return {top, left, bottom - top, right - left};
}

/// Runs `passes` on `image`, which holds the planned image's pixels from `inputs.top` and `inputs.left` on.
Image run_passes(const Image& image, Passes passes, const Box& inputs) {
  if (passes.is_rows_last) {
    const Image middle = combine_rows(image, passes.rows, inputs.left, inputs.width);
    passes.columns.shift(inputs.left);
    return combine_columns(middle, passes.columns, 0, middle.height);
  }
  const Image middle = combine_columns(image, passes.columns, inputs.top, inputs.height);
  passes.rows.shift(inputs.top);
  return combine_rows(middle, passes.rows, 0, middle.width);
}

}  // namespace

Image resize_bicubic(const Image& image, const Box& box, std::int64_t height, std::int64_t width) {
  const Passes passes = plan_passes(image.whole(), box, {height, width, {0, 0, height, width}});
  return run_passes(image, passes, find_inputs(passes));
}

Image resize_bicubic(const Image& image, const ResizedView& view) {
  const Passes passes = plan_passes(image.whole(), image.whole(), view);
  return run_passes(image, passes, find_inputs(passes));
}

Image resize_bicubic(const ImageSource& source, const ResizedView& view) {
  Passes passes = plan_passes(source.whole(), source.whole(), view);
  const Box inputs = find_inputs(passes);
  passes.rows.shift(inputs.top);
  passes.columns.shift(inputs.left);
  const Image image = source.part(inputs, inputs.height, inputs.width);
  return run_passes(image, passes, image.whole());
}

}  // namespace incubate
