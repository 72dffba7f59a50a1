// Fuzzes PNG files with any bytes, most with correct checksums. The last bytes choose the part to decode.
#include <algorithm>
#include <optional>

#include "base/check.h"
#include "fuzz/allocation_limit.h"
#include "fuzz/byte_source.h"
#include "fuzz/encoded_image_limits.h"
#include "fuzz/png_mutator.h"
#include "vision/png.h"

namespace incubate {
namespace {

Box choose_box(ByteSource& source, const Image& image) {
  const auto below = [&](std::int64_t count) { return source.number<std::uint32_t>() % count; };
  Box box;
  box.top = below(image.height);
  box.left = below(image.width);
  box.height = 1 + below(image.height - box.top);
  box.width = 1 + below(image.width - box.left);
  return box;
}

std::optional<Image> try_decoding(std::span<const std::uint8_t> file, std::size_t most_bytes) {
  const AllocationLimit limit(most_bytes);
  try {
    return decode_png(file);
  } catch (const ImageError&) {
    return std::nullopt;
  }
}

void read_png(std::span<const std::uint8_t> file) {
  const StatedSize size = stated_png_size(file);
  if (size.is_large()) return;
  const std::optional<Image> image = try_decoding(file, size.decoding_bytes());
  if (!image) return;
  check_running(is_png(file) && !size.is_impossible() && image->channels == 3 &&
                    static_cast<std::uint64_t>(image->height) == size.height &&
                    static_cast<std::uint64_t>(image->width) == size.width &&
                    image->bytes.size() == 3 * size.num_pixels(),
                "accepted: {}x{} pixels where {}x{} are stated", image->height, image->width, size.height, size.width);
  check_running(try_decoding(file, size.decoding_bytes()) == image, "the same file makes different images");
  constexpr std::size_t kNumChoices = 16;  // bytes
  ByteSource source(file.last(std::min(file.size(), kNumChoices)));
  const Box box = choose_box(source, *image);
  const AllocationLimit limit(2 * size.decoding_bytes());
  check_running(decode_png_part(file, box) == crop(*image, box), "a part differs from that of the whole");
  check_running(decode_png(encode_png(*image)) == *image, "encoded and decoded again it is another image");
}

}  // namespace
}  // namespace incubate

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  return incubate::mutate_png(data, size, most, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  incubate::read_png({data, size});
  return 0;
}
