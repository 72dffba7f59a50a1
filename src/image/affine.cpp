#include "image/affine.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "base/vectorised.h"

namespace incubate {
namespace {

/// The values of a pixel's channels, the last one unused: four doubles, on which arithmetic is one instruction.
using Pixel = double __attribute__((vector_size(4 * sizeof(double))));
using PixelBytes = std::uint8_t __attribute__((vector_size(4)));
using PixelInts = std::int32_t __attribute__((vector_size(4 * sizeof(std::int32_t))));

/// Reads 4 bytes, whatever the number of channels. (Vectors are not returned: how depends on the processor.)
INCUBATE_INLINE void read_pixel(const std::uint8_t* in, Pixel& pixel) {
  PixelBytes bytes;
  std::memcpy(&bytes, in, sizeof bytes);
  pixel = __builtin_convertvector(bytes, Pixel);
}

/// Cut to 0 .. 255 and rounded down.
INCUBATE_INLINE void write_pixel(const Pixel& value, std::int64_t channels, std::uint8_t* out) {
  const Pixel least = {0, 0, 0, 0}, most = {255, 255, 255, 255};
  const Pixel positive = value > least ? value : least;
  const PixelInts ints = __builtin_convertvector(positive < most ? positive : most, PixelInts);
  for (std::int64_t c = 0; c < channels; ++c) out[c] = static_cast<std::uint8_t>(ints[c]);
}

/// The cubic through 4 neighbours, `t` of the way from the second to the third.
INCUBATE_INLINE void interpolate(const std::array<Pixel, 4>& v, double t, Pixel& result) {
  const Pixel slope = v[2] - v[0];
  const Pixel curve = (2 * (v[0] - v[1])) + v[2] - v[3];
  const Pixel twist = -v[0] + v[1] - v[2] + v[3];
  result = v[1] + (t * (slope + (t * (curve + (t * twist)))));
}

/// Indices floor-1 .. floor+2, those outside moved to the border.
INCUBATE_INLINE std::array<std::int64_t, 4> neighbours(double floor, std::int64_t size) {
  std::array<std::int64_t, 4> indices{};
  for (int k = 0; k < 4; ++k) {
    indices[k] = std::clamp<std::int64_t>(static_cast<std::int64_t>(floor) - 1 + k, 0, size - 1);
  }
  return indices;
}

/// Writes the channels of the image at (x, y), which lies within it. `pixels` has a few bytes behind the image's.
INCUBATE_INLINE void sample(const Image& image, const std::uint8_t* pixels, double x, double y, std::uint8_t* out) {
  const double floor_x = std::floor(x - 0.5), floor_y = std::floor(y - 0.5);
  const double right = x - 0.5 - floor_x, down = y - 0.5 - floor_y;
  const std::array<std::int64_t, 4> rows = neighbours(floor_y, image.height),
                                    columns = neighbours(floor_x, image.width);
  const auto interpolate_row = [&](int k, Pixel& result) __attribute__((always_inline)) {
    const std::uint8_t* row = pixels + (rows[k] * image.width * image.channels);
    if (right == 0) {  // exactly at a column, as in a vertical shift
      read_pixel(row + (columns[1] * image.channels), result);
      return;
    }
    std::array<Pixel, 4> values;
    for (int i = 0; i < 4; ++i) read_pixel(row + (columns[i] * image.channels), values[i]);
    interpolate(values, right, result);
  };
  Pixel value;
  if (down == 0) {
    interpolate_row(1, value);
  } else {
    std::array<Pixel, 4> across;
    for (int k = 0; k < 4; ++k) interpolate_row(k, across[k]);
    interpolate(across, down, value);
  }
  write_pixel(value, image.channels, out);
}

/// So that a quarter turn has a cosine of 0.
double round_to_15_digits(double value) { return std::nearbyint(value * 1e15) / 1e15; }

}  // namespace

INCUBATE_VECTORISED Image transform_affine(const Image& image, const AffineMap& m, const Fill& fill) {
  Image out(image.height, image.width, image.channels);
  std::vector<std::uint8_t> pixels(image.bytes.size() + sizeof(PixelBytes));
  std::ranges::copy(image.bytes, pixels.begin());
  for (std::int64_t row = 0; row < out.height; ++row) {
    for (std::int64_t column = 0; column < out.width; ++column) {
      const double x = static_cast<double>(column) + 0.5, y = static_cast<double>(row) + 0.5;
      const double from_x = (m[0] * x) + (m[1] * y) + m[2], from_y = (m[3] * x) + (m[4] * y) + m[5];
      const bool is_inside = from_x >= 0 && from_x < static_cast<double>(image.width) && from_y >= 0 &&
                             from_y < static_cast<double>(image.height);
      if (is_inside) {
        sample(image, pixels.data(), from_x, from_y, out.at(row, column));
      } else {
        std::copy_n(fill.data(), out.channels, out.at(row, column));
      }
    }
  }
  return out;
}

Image rotate(const Image& image, double degrees, const Fill& fill) {
  if (degrees == 0) return image;
  const double turn = degrees < 0 ? degrees + 360 : degrees;  // (as Pillow does, to the last bit)
  const double angle = -turn * (std::numbers::pi / 180);
  const double cosine = round_to_15_digits(std::cos(angle)), sine = round_to_15_digits(std::sin(angle));
  const double x = static_cast<double>(image.width) / 2, y = static_cast<double>(image.height) / 2;
  return transform_affine(
      image, {cosine, sine, (cosine * -x) + (sine * -y) + x, -sine, cosine, (-sine * -x) + (cosine * -y) + y}, fill);
}

}  // namespace incubate
