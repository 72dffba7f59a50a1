// Fuzzes packing with any bytes as a file of a folder: the result is an image, or the reason to leave it out. The last
// bytes choose the encoding and the name.
#include <algorithm>
#include <array>

#include "base/check.h"
#include "fuzz/allocation_limit.h"
#include "fuzz/byte_source.h"
#include "fuzz/encoded_image_limits.h"
#include "fuzz/png_mutator.h"
#include "pack/packed_image.h"
#include "vision/image_shard.h"

namespace incubate {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kNumChoices = 5;  // bytes

EncodingOptions choose_options(ByteSource& source) {
  EncodingOptions options;
  options.quality = 1 + static_cast<std::int64_t>(source.choice(100));
  if (const auto side = source.number<std::uint16_t>(); side % 2 != 0) options.shorter_side = 1 + (side / 2 % 300);
  return options;
}

std::string choose_name(ByteSource& source) {
  constexpr std::array kExtensions = {".JPEG", ".jpg", ".png", "", ".", ".\xFF"};
  return "a" + std::string(kExtensions[source.choice(kExtensions.size())]);
}

/// Checks that a shard may contain the image.
void check_packed(const PackedImage& packed, Bytes file, const EncodingOptions& options) {
  check_running(is_png(packed.bytes) == is_png(file), "packed as another format");
  const Image image = is_png(packed.bytes) ? decode_png(packed.bytes) : decode_jpeg(packed.bytes);
  check_running(image.height == packed.height && image.width == packed.width && packed.height <= kLongestSide &&
                    packed.width <= kLongestSide,
                "packed as {}x{} pixels, which are {}x{}", packed.height, packed.width, image.height, image.width);
  check_running(!options.shorter_side || std::min(packed.height, packed.width) <= *options.shorter_side,
                "packed as {}x{} pixels, more than {} on the shorter side", packed.height, packed.width,
                options.shorter_side.value_or(0));
  check_running(options.shorter_side || std::ranges::equal(packed.bytes, file), "packed as other bytes");
}

void pack(Bytes file) {
  const StatedSize size = is_png(file) ? stated_png_size(file) : stated_jpeg_size(file);
  if (size.is_large()) return;
  ByteSource source(file.last(std::min(file.size(), kNumChoices)));
  const EncodingOptions options = choose_options(source);
  const std::string name = choose_name(source);
  PackedImage packed;
  try {
    // Decoded, reduced and encoded.
    const AllocationLimit limit(4 * size.decoding_bytes());
    packed = pack_image(name, file, options);
  } catch (const ImageError& error) {
    check_running(std::string_view(error.what()) != "", "left out without a reason");
    return;
  }
  check_packed(packed, file, options);
}

}  // namespace
}  // namespace incubate

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  return incubate::mutate_png(data, size, most, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  incubate::pack({data, size});
  return 0;
}
