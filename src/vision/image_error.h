#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace incubate {

/// An encoded image cannot be decoded; what() says why.
class ImageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws ImageError, or std::bad_alloc if the decoder's `message` reports a lack of memory: the image may be intact.
[[noreturn]] void throw_decoder_error(const std::string& message);

/// Encoded images with more pixels are refused before memory is allocated.
inline constexpr std::int64_t kMostPixels = std::int64_t{1} << 28;

/// Throws ImageError unless 1 <= height x width <= kMostPixels.
void check_image_size(std::int64_t height, std::int64_t width);

}  // namespace incubate
