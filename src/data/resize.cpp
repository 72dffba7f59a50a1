#include "data/resize.h"

#include <algorithm>
#include <cmath>

namespace incubate {
namespace {

constexpr int kPrecisionBits = 32 - 8 - 2;  // 8 bits of a pixel, 2 for overshoot and sign
constexpr double kSupport = 2;              // of the cubic, in pixels of the coarser grid

/// Keys 1981, "Cubic convolution interpolation", a = -1/2.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return (((a + 2) * x - (a + 3)) * x * x) + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/// What one output pixel is made of: inputs first, first+1, ... with fixed-point weights.
struct Taps {
  std::int64_t first = 0;
  std::vector<std::int32_t> weights;
};

/// Of the outputs of one dimension, which take inputs begin .. begin+extent-1 of `num_inputs` to `num_outputs`.
std::vector<Taps> make_taps(std::int64_t num_inputs, std::int64_t begin, std::int64_t extent,
                            std::int64_t num_outputs) {
  const double scale = static_cast<double>(extent) / static_cast<double>(num_outputs);
  const double filter_scale = std::max(scale, 1.0);
  const double support = kSupport * filter_scale;
  const double inverse_scale = 1.0 / filter_scale;
  std::vector<Taps> all(num_outputs);
  std::vector<double> weights;
  for (std::int64_t i = 0; i < num_outputs; ++i) {
    const double center = static_cast<double>(begin) + ((static_cast<double>(i) + 0.5) * scale);
    const auto first = std::max<std::int64_t>(static_cast<std::int64_t>(center - support + 0.5), 0);
    const auto end = std::min(static_cast<std::int64_t>(center + support + 0.5), num_inputs);
    double sum = 0;
    weights.clear();
    for (std::int64_t input = first; input < end; ++input) {
      weights.push_back(cubic((static_cast<double>(input) - center + 0.5) * inverse_scale));
      sum += weights.back();
    }
    all[i].first = first;
    for (const double weight : weights) {
      const double share = (sum == 0 ? weight : weight / sum) * (1 << kPrecisionBits);
      all[i].weights.push_back(static_cast<std::int32_t>(share + (share < 0 ? -0.5 : 0.5)));
    }
  }
  return all;
}

std::uint8_t round_to_byte(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

/// The weighted sum of the values that stand `stride` apart, from `in` on.
std::uint8_t combine(const std::uint8_t* in, std::int64_t stride, const std::vector<std::int32_t>& weights) {
  std::int32_t sum = 1 << (kPrecisionBits - 1);
  for (const std::int32_t weight : weights) {
    sum += weight * *in;
    in += stride;
  }
  return round_to_byte(sum);
}

Image resize_rows(const Image& image, const std::vector<Taps>& columns) {
  Image out(image.height, static_cast<std::int64_t>(columns.size()), image.channels);
  for (std::int64_t y = 0; y < out.height; ++y) {
    for (std::int64_t x = 0; x < out.width; ++x) {
      const std::uint8_t* in = image.at(y, columns[x].first);
      for (std::int64_t c = 0; c < out.channels; ++c) {
        out.at(y, x)[c] = combine(in + c, image.channels, columns[x].weights);
      }
    }
  }
  return out;
}

Image resize_columns(const Image& image, const std::vector<Taps>& rows) {
  Image out(static_cast<std::int64_t>(rows.size()), image.width, image.channels);
  const std::int64_t row_values = image.width * image.channels;
  std::vector<std::int32_t> sums(row_values);  // a row at a time: neighbours in memory
  for (std::int64_t y = 0; y < out.height; ++y) {
    std::ranges::fill(sums, 1 << (kPrecisionBits - 1));
    for (std::size_t k = 0; k < rows[y].weights.size(); ++k) {
      const std::uint8_t* in = image.at(rows[y].first + static_cast<std::int64_t>(k), 0);
      for (std::int64_t i = 0; i < row_values; ++i) sums[i] += rows[y].weights[k] * in[i];
    }
    std::ranges::transform(sums, out.at(y, 0), round_to_byte);
  }
  return out;
}

/// Inputs of one dimension.
struct Range {
  std::int64_t begin;
  std::int64_t size;
};

/// Those that any of `taps` needs.
Range find_inputs(const std::vector<Taps>& taps) {
  const std::int64_t begin = taps.front().first;
  return {begin, taps.back().first + static_cast<std::int64_t>(taps.back().weights.size()) - begin};
}

void shift(std::vector<Taps>& all, std::int64_t offset) {
  for (Taps& taps : all) taps.first -= offset;
}

}  // namespace

Image resize_bicubic(const Image& image, const Box& box, std::int64_t height, std::int64_t width) {
  const bool keeps_rows = box.height == height && image.height == height;
  const bool keeps_columns = box.width == width && image.width == width;
  // Two roundings to 8 bits do not commute, so the order is part of the result.
  const bool is_rows_last = image.height > height && image.height - height > 2 * (image.width - width);
  std::vector<Taps> rows = make_taps(image.height, box.top, box.height, height);
  std::vector<Taps> columns = make_taps(image.width, box.left, box.width, width);
  const Range y = keeps_rows ? Range{0, image.height} : find_inputs(rows);
  const Range x = keeps_columns ? Range{0, image.width} : find_inputs(columns);
  shift(rows, y.begin);
  shift(columns, x.begin);
  Image out = crop(image, {y.begin, x.begin, y.size, x.size});
  if (is_rows_last && !keeps_rows) out = resize_columns(out, rows);
  if (!keeps_columns) out = resize_rows(out, columns);
  if (!is_rows_last && !keeps_rows) out = resize_columns(out, rows);
  return out;
}

}  // namespace incubate
