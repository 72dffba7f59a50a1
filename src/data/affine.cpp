#include "data/affine.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace incubate {
namespace {

/// The cubic through 4 neighbours, `t` of the way from the second to the third.
double interpolate(const std::array<double, 4>& v, double t) {
  const double slope = v[2] - v[0];
  const double curve = (2 * (v[0] - v[1])) + v[2] - v[3];
  const double twist = -v[0] + v[1] - v[2] + v[3];
  return v[1] + (t * (slope + (t * (curve + (t * twist)))));
}

/// Writes the channels of the image at (x, y), which lies within it.
void sample(const Image& image, double x, double y, std::uint8_t* out) {
  const double floor_x = std::floor(x - 0.5), floor_y = std::floor(y - 0.5);
  std::array<const std::uint8_t*, 4> rows{};
  std::array<std::int64_t, 4> columns{};
  for (int k = 0; k < 4; ++k) {
    rows[k] = image.at(std::clamp<std::int64_t>(static_cast<std::int64_t>(floor_y) - 1 + k, 0, image.height - 1), 0);
    columns[k] =
        image.channels * std::clamp<std::int64_t>(static_cast<std::int64_t>(floor_x) - 1 + k, 0, image.width - 1);
  }
  for (std::int64_t c = 0; c < image.channels; ++c) {
    std::array<double, 4> across{};
    for (int k = 0; k < 4; ++k) {
      const std::uint8_t* row = rows[k] + c;
      const auto value = [&](int i) { return static_cast<double>(row[columns[i]]); };
      across[k] = interpolate({value(0), value(1), value(2), value(3)}, x - 0.5 - floor_x);
    }
    out[c] = static_cast<std::uint8_t>(std::clamp(interpolate(across, y - 0.5 - floor_y), 0.0, 255.0));
  }
}

/// So that a quarter turn has a cosine of 0.
double round_to_15_digits(double value) { return std::nearbyint(value * 1e15) / 1e15; }

}  // namespace

Image transform_affine(const Image& image, const AffineMap& m, const Fill& fill) {
  Image out(image.height, image.width, image.channels);
  for (std::int64_t row = 0; row < out.height; ++row) {
    for (std::int64_t column = 0; column < out.width; ++column) {
      const double x = static_cast<double>(column) + 0.5, y = static_cast<double>(row) + 0.5;
      const double from_x = (m[0] * x) + (m[1] * y) + m[2], from_y = (m[3] * x) + (m[4] * y) + m[5];
      const bool is_inside = from_x >= 0 && from_x < static_cast<double>(image.width) && from_y >= 0 &&
                             from_y < static_cast<double>(image.height);
      if (is_inside) {
        sample(image, from_x, from_y, out.at(row, column));
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
