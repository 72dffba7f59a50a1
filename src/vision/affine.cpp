#include "vision/affine.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/vectorised.h"

namespace incubate {
namespace {

constexpr int kMostChannels = 3;  // a constant loop length lets the compiler unroll

/// A pixel's channels, padded to four values: one vector instruction computes on all of them.
using Pixel = std::int32_t __attribute__((vector_size(4 * sizeof(std::int32_t))));
using Exact = double __attribute__((vector_size(4 * sizeof(double))));

/// An image as Pixels with borders repeated twice on each side, so that every pixel has all its neighbours.
class PaddedImage {
 public:
  static constexpr std::int64_t kMargin = 2;

  explicit PaddedImage(const Image& image)
      : stride_(image.width + (2 * kMargin)), pixels_((image.height + (2 * kMargin)) * stride_) {
    for (std::int64_t y = -kMargin; y < image.height + kMargin; ++y) {
      const std::uint8_t* row = image.at(std::clamp<std::int64_t>(y, 0, image.height - 1), 0);
      Pixel* out = &pixels_[(y + kMargin) * stride_];
      for (std::int64_t x = -kMargin; x < image.width + kMargin; ++x, ++out) {
        const std::uint8_t* in = row + (std::clamp<std::int64_t>(x, 0, image.width - 1) * image.channels);
        for (int c = 0; c < kMostChannels; ++c) {
          if (c < image.channels) (*out)[c] = in[c];
        }
      }
    }
  }
  std::int64_t stride() const { return stride_; }
  const Pixel* at(std::int64_t y, std::int64_t x) const { return &pixels_[((y + kMargin) * stride_) + x + kMargin]; }

 private:
  std::int64_t stride_;
  std::vector<Pixel> pixels_;
};

/// Sets `result` to the cubic through 4 neighbours, `t` of the way from the second to the third. Differences of
/// `Values` are exact. (Returning a vector would depend on the processor's calling convention.)
template <typename Values>
INCUBATE_INLINE void interpolate(const Values* v, double t, Exact& result) {
  const Exact value = __builtin_convertvector(v[1], Exact);
  const Exact slope = __builtin_convertvector(v[2] - v[0], Exact);
  const Exact curve = __builtin_convertvector((2 * (v[0] - v[1])) + v[2] - v[3], Exact);
  const Exact twist = __builtin_convertvector(-v[0] + v[1] - v[2] + v[3], Exact);
  result = value + (t * (slope + (t * (curve + (t * twist)))));
}

/// Writes the channels of the image at (x, y). REQUIRES: (x, y) lies within the image.
INCUBATE_INLINE void sample(const PaddedImage& image, double x, double y, std::int64_t channels, std::uint8_t* out) {
  const double floor_x = std::floor(x - 0.5), floor_y = std::floor(y - 0.5);
  const double right = x - 0.5 - floor_x, down = y - 0.5 - floor_y;
  const Pixel* pixels = image.at(static_cast<std::int64_t>(floor_y), static_cast<std::int64_t>(floor_x) - 1);
  Exact value;
  if (down == 0) {  // exactly at a row, as in a horizontal shift: one row is enough
    interpolate(pixels, right, value);
  } else if (right == 0) {
    const Pixel* column = pixels + 1;
    const Pixel values[4] = {column[-image.stride()], column[0], column[image.stride()], column[2 * image.stride()]};
    interpolate(values, down, value);
  } else {
    Exact across[4];
    for (int k = 0; k < 4; ++k) interpolate(pixels + ((k - 1) * image.stride()), right, across[k]);
    interpolate(across, down, value);
  }
  const Exact least = {0, 0, 0, 0}, most = {255, 255, 255, 255};
  value = value > least ? value : least;
  const Pixel bytes = __builtin_convertvector(value < most ? value : most, Pixel);  // conversion rounds down
  for (int c = 0; c < kMostChannels; ++c) {
    if (c < channels) out[c] = static_cast<std::uint8_t>(bytes[c]);
  }
}

/// Rounds as Pillow does, so that a quarter turn has a cosine of 0.
double round_to_15_digits(double value) { return std::nearbyint(value * 1e15) / 1e15; }

}  // namespace

INCUBATE_VECTORISED Image transform_affine(const Image& image, const AffineMap& m, const Fill& fill) {
  Image out(image.height, image.width, image.channels);
  const PaddedImage padded(image);
  for (std::int64_t row = 0; row < out.height; ++row) {
    for (std::int64_t column = 0; column < out.width; ++column) {
      const double x = static_cast<double>(column) + 0.5, y = static_cast<double>(row) + 0.5;
      const double from_x = (m[0] * x) + (m[1] * y) + m[2], from_y = (m[3] * x) + (m[4] * y) + m[5];
      const bool is_inside = from_x >= 0 && from_x < static_cast<double>(image.width) && from_y >= 0 &&
                             from_y < static_cast<double>(image.height);
      if (is_inside) {
        sample(padded, from_x, from_y, out.channels, out.at(row, column));
      } else {
        std::copy_n(fill.data(), out.channels, out.at(row, column));
      }
    }
  }
  return out;
}

Image rotate(const Image& image, double degrees, const Fill& fill) {
  if (degrees == 0) return image;
  const double turn = degrees < 0 ? degrees + 360 : degrees;  // as Pillow does, to the last bit
  const double angle = -turn * (std::numbers::pi / 180);
  const double cosine = round_to_15_digits(std::cos(angle)), sine = round_to_15_digits(std::sin(angle));
  const double x = static_cast<double>(image.width) / 2, y = static_cast<double>(image.height) / 2;
  return transform_affine(
      image, {cosine, sine, (cosine * -x) + (sine * -y) + x, -sine, cosine, (-sine * -x) + (cosine * -y) + y}, fill);
}

}  // namespace incubate
