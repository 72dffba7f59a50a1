// Fuzzes JPEG files with any bytes. The last ones choose the part to decode, its scale, and how to encode it again.
#include <algorithm>
#include <optional>
#include <vector>

#include "base/check.h"
#include "fuzz/allocation_limit.h"
#include "fuzz/byte_source.h"
#include "fuzz/encoded_image_limits.h"
#include "vision/jpeg.h"

namespace incubate {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kNumChoices = 13;  // bytes

/// Returns 1 .. `side`, which fits, or one more.
std::int64_t choose_side(ByteSource& source, std::int64_t side) {
  return 1 + (source.number<std::uint16_t>() % (side + 1));
}

struct Part {
  Box box;
  std::int64_t least_height;
  std::int64_t least_width;
};

Part choose_part(ByteSource& source, const JpegInfo& info) {
  Part part{};
  part.box.height = choose_side(source, info.height);
  part.box.width = choose_side(source, info.width);
  part.box.top = choose_side(source, info.height + 1 - std::min(info.height, part.box.height)) - 1;
  part.box.left = choose_side(source, info.width + 1 - std::min(info.width, part.box.width)) - 1;
  part.least_height = choose_side(source, part.box.height);
  part.least_width = choose_side(source, part.box.width);
  return part;
}

template <typename Decode>
std::optional<Image> try_decoding(const Decode& decode) {
  try {
    return decode();
  } catch (const ImageError&) {
    return std::nullopt;
  }
}

/// Reads the header, which allocates nothing for the stated size.
std::optional<JpegInfo> try_header(Bytes file) {
  const AllocationLimit limit(kHeaderBytes);
  try {
    const JpegInfo info = read_jpeg_info(file);
    check_running(info.height >= 1 && info.width >= 1 && info.height * info.width <= kMostPixels &&
                      (info.components == 1 || info.components == 3 || info.components == 4),
                  "accepted: {}x{} pixels of {} components", info.height, info.width, info.components);
    return info;
  } catch (const ImageError&) {
    const bool is_refused = !try_decoding([&] { return decode_jpeg(file); }) && !try_decoding([&] {
      return decode_jpeg_part(file, {0, 0, 1, 1}, 1, 1);
    });
    check_running(is_refused, "the header is refused and the image is not");
    return std::nullopt;
  }
}

/// Checks a part: the same box of the whole, or a smaller image of it, not smaller than requested.
void check_part(const Image& image, const Part& part, const std::optional<Image>& whole) {
  const Box& box = part.box;
  if (image.height == box.height && image.width == box.width) {
    check_running(!whole || image == crop(*whole, box), "a part of {}x{} pixels differs from the whole", box.height,
                  box.width);
    return;
  }
  check_running(image.channels == 3 && image.height >= part.least_height && image.width >= part.least_width &&
                    image.height < box.height && image.width < box.width,
                "{}x{} pixels of {}x{}, at least {}x{}", image.height, image.width, box.height, box.width,
                part.least_height, part.least_width);
}

void decode_part(Bytes file, const JpegInfo& info, const Part& part, const std::optional<Image>& whole) {
  const Box& box = part.box;
  const bool is_within = box.top + box.height <= info.height && box.left + box.width <= info.width;
  std::optional<Image> image;
  {
    const AllocationLimit limit(is_within ? stated_jpeg_size(file).decoding_bytes() : kHeaderBytes);
    image = try_decoding([&] { return decode_jpeg_part(file, box, part.least_height, part.least_width); });
  }
  check_running(image ? is_within : !(is_within && whole), "a part {} the image of {}x{} pixels {}",
                is_within ? "within" : "beyond", info.height, info.width, image ? "is decoded" : "is refused");
  if (image) check_part(*image, part, whole);
}

/// Checks that a decoded image can be encoded, always equally, and decoded again.
void encode_again(const Image& image, int quality) {
  const std::vector<std::uint8_t> file = encode_jpeg(image, quality);
  check_running(file == encode_jpeg(image, quality), "the same image makes different files");
  const Image again = decode_jpeg(file);
  check_running(again.whole() == image.whole() && again.channels == 3, "encoding makes {}x{} pixels of {}x{}",
                again.height, again.width, image.height, image.width);
}

void read_jpeg(Bytes file) {
  const std::optional<JpegInfo> info = try_header(file);
  const StatedSize size = stated_jpeg_size(file);
  if (!info || size.is_large()) return;
  std::optional<Image> whole;
  {
    const AllocationLimit limit(size.decoding_bytes());
    whole = try_decoding([&] { return decode_jpeg(file); });
  }
  check_running(!whole || (whole->height == info->height && whole->width == info->width && whole->channels == 3),
                "the image is not of the size that its header states");
  ByteSource source(file.last(std::min(file.size(), kNumChoices)));
  const int quality = 1 + static_cast<int>(source.choice(100));
  const Part part = choose_part(source, *info);
  decode_part(file, *info, part, whole);
  decode_part(file, *info, {{0, 0, info->height, info->width}, info->height, info->width}, whole);
  if (whole) encode_again(*whole, quality);
}

}  // namespace
}  // namespace incubate

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  incubate::read_jpeg({data, size});
  return 0;
}
