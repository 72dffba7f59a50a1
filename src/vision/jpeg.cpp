#include "vision/jpeg.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>  // jpeglib.h needs it
#include <cstdlib>
#include <cstring>
#include <type_traits>

#include <jpeglib.h>
// (after jpeglib.h)
#include <jerror.h>

#include "base/check.h"

namespace incubate {
namespace {

#ifndef LIBJPEG_TURBO_VERSION
#error "jpeglib.h is not libjpeg-turbo's, which alone decodes parts of an image. Install libjpeg-turbo."
#endif

/// A progressive file may have many scans, each as costly as decoding the image once.
constexpr int kMostScans = 100;

/// Handles libjpeg's errors. libjpeg forbids returning from the handler, and C frames let no exception pass. So the
/// handler jumps back to attempt(), which throws.
struct ErrorHandler {
  jpeg_error_mgr manager;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];

  ErrorHandler();
  /// Runs `steps`, which call libjpeg. They may own no object with a destructor: a jump would skip it.
  template <typename Steps>
  void attempt(Steps steps) {
    static_assert(std::is_trivially_destructible_v<Steps>);
    if (setjmp(jump) != 0) throw_decoder_error(message);
    steps();
  }
};

[[noreturn]] void jump_back(j_common_ptr jpeg) {
  auto* handler = static_cast<ErrorHandler*>(jpeg->client_data);
  if (jpeg->err->msg_code == JWRN_JPEG_EOF) {
    std::snprintf(handler->message, sizeof handler->message, "the file ends early");
  } else {
    jpeg->err->format_message(jpeg, handler->message);
  }
  std::longjmp(handler->jump, 1);
}

/// Makes warnings (level -1) of lost data errors. Other warnings, such as of stray bytes, change no pixel.
void judge_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  switch (jpeg->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC:
    case JWRN_BOGUS_PROGRESSION:
      jump_back(jpeg);
    default:
      break;
  }
}

void print_nothing(j_common_ptr /*jpeg*/) {}

ErrorHandler::ErrorHandler() {
  jpeg_std_error(&manager);
  manager.error_exit = jump_back;
  manager.emit_message = judge_message;
  manager.output_message = print_nothing;
}

void limit_scans(j_common_ptr jpeg) {
  if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number <= kMostScans) return;
  auto* handler = static_cast<ErrorHandler*>(jpeg->client_data);
  std::snprintf(handler->message, sizeof handler->message, "it has more than %d scans", kMostScans);
  std::longjmp(handler->jump, 1);
}

/// libjpeg's decoder of one file.
class Decoder {
 public:
  /// Reads the header.
  explicit Decoder(std::span<const std::uint8_t> bytes) {
    jpeg_.err = &errors_.manager;
    jpeg_.client_data = &errors_;
    errors_.attempt([&] { jpeg_create_decompress(&jpeg_); });
    try {
      errors_.attempt([&] {
        jpeg_mem_src(&jpeg_, bytes.data(), bytes.size());
        jpeg_read_header(&jpeg_, TRUE);
      });
      check_image_size(jpeg_.image_height, jpeg_.image_width);
      const int components = jpeg_.num_components;
      check_input<ImageError>(components == 1 || components == 3 || components == 4,
                              "it has {} components; 1 (grey), 3 (colour) and 4 (CMYK) are possible", components);
    } catch (...) {
      jpeg_destroy_decompress(&jpeg_);
      throw;
    }
    progress_.progress_monitor = limit_scans;
    jpeg_.progress = &progress_;
    jpeg_.out_color_space = jpeg_.num_components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_.dct_method = JDCT_ISLOW;
  }
  ~Decoder() { jpeg_destroy_decompress(&jpeg_); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  JpegInfo info() const { return {jpeg_.image_height, jpeg_.image_width, jpeg_.num_components}; }
  /// Returns the pixels of `full_box` (in pixels of the file) at 1/`scale` of the size (1, 2, 4 or 8).
  Image decode(const Box& full_box, std::int64_t scale = 1);

 private:
  ErrorHandler errors_;
  jpeg_progress_mgr progress_ = {};
  jpeg_decompress_struct jpeg_ = {};
};

/// Returns a b / 255, rounded, for a and b up to 255.
int multiply_shares(int a, int b) {
  const int product = (a * b) + 128;
  return ((product >> 8) + product) >> 8;
}

/// Converts inverted CMYK (255 is no ink), as Adobe writes it. No other program writes CMYK files.
void convert_cmyk(const std::uint8_t* cmyk, std::int64_t num_pixels, std::uint8_t* rgb) {
  for (std::int64_t i = 0; i < num_pixels; ++i) {
    const int light = cmyk[(4 * i) + 3];
    for (int c = 0; c < 3; ++c) {
      rgb[(3 * i) + c] = static_cast<std::uint8_t>(light - multiply_shares(255 - cmyk[(4 * i) + c], light));
    }
  }
}

/// Returns whether all bits of all coefficients have arrived. If not, libjpeg smooths across blocks.
bool has_all_bits(const jpeg_decompress_struct& jpeg) {
  if (jpeg.coef_bits == nullptr) return true;  // not progressive
  for (int c = 0; c < jpeg.num_components; ++c) {
    if (std::ranges::any_of(jpeg.coef_bits[c], [](int bits) { return bits != 0; })) return false;
  }
  return true;
}

/// Width of an inverse-transformed block, for one component and for the finest one.
#if JPEG_LIB_VERSION >= 70
int block_width(const jpeg_component_info& component) { return component.DCT_h_scaled_size; }
int least_block_width(const jpeg_decompress_struct& jpeg) { return jpeg.min_DCT_h_scaled_size; }
#else
int block_width(const jpeg_component_info& component) { return component.DCT_scaled_size; }
int least_block_width(const jpeg_decompress_struct& jpeg) { return jpeg.min_DCT_scaled_size; }
#endif

/// Returns whether a subsampled colour is decoded at its own scale (4:1:0, halved). libjpeg-turbo up to 2.1 then loses
/// the colour's last columns when it decodes only some columns.
bool has_scaled_colors(const jpeg_decompress_struct& jpeg) {
  const int least = least_block_width(jpeg);
  return std::any_of(jpeg.comp_info, jpeg.comp_info + jpeg.num_components, [&](const jpeg_component_info& color) {
    return block_width(color) != least && color.h_samp_factor * block_width(color) != jpeg.max_h_samp_factor * least;
  });
}

/// Returns `box` at 1/`scale` of the size, with borders moved to the nearest boundary between two pixels.
Box scale_box(const Box& box, std::int64_t scale) {
  const auto round = [scale](std::int64_t border) { return (border + (scale / 2)) / scale; };
  const std::int64_t top = round(box.top), left = round(box.left);
  return {top, left, round(box.top + box.height) - top, round(box.left + box.width) - left};
}

/// Returns the largest of 8, 4, 2, 1 by which `box` can be divided and keep its least size.
std::int64_t choose_scale(const Box& box, std::int64_t least_height, std::int64_t least_width) {
  for (const std::int64_t scale : {8, 4, 2}) {
    if (box.height / scale >= least_height && box.width / scale >= least_width) return scale;
  }
  return 1;
}

/// Returns the part to decode so that the pixels of `box` equal those of the whole image. Upsampled colours depend on
/// neighbours, and libjpeg treats left and right borders of the decoded part, and very narrow parts, differently. (It
/// extends rows above and below `box` by itself.)
Box add_margin(const Box& box, std::int64_t width) {
  constexpr std::int64_t kLeastWidth = 16;
  const std::int64_t end = std::min(std::max(box.left + box.width + 2, kLeastWidth), width);
  const std::int64_t begin = std::max<std::int64_t>(0, std::min(box.left - 1, end - kLeastWidth));
  return {box.top, begin, box.height, end - begin};
}

Image Decoder::decode(const Box& full_box, std::int64_t scale) {
  const Box box = scale_box(full_box, scale);
  jpeg_.scale_denom = static_cast<unsigned>(scale);
  errors_.attempt([&] { jpeg_start_decompress(&jpeg_); });
  const Box whole = {0, 0, jpeg_.output_height, jpeg_.output_width};
  const bool is_divisible = has_all_bits(jpeg_) && !has_scaled_colors(jpeg_);
  const Box needed = is_divisible ? add_margin(box, whole.width) : whole;

  auto left = static_cast<JDIMENSION>(needed.left), width = static_cast<JDIMENSION>(needed.width);
  errors_.attempt([&] {
    jpeg_crop_scanline(&jpeg_, &left, &width);  // moves the left border to the begin of a block
    // Skipping from row 0 is exact; from other rows libjpeg-turbo up to 3.1 makes errors.
    if (needed.top > 0) jpeg_skip_scanlines(&jpeg_, static_cast<JDIMENSION>(needed.top));
  });
  const int components = jpeg_.output_components;
  // At an odd address, because libjpeg-turbo writes to aligned rows past the cache, and the row is read at once.
  std::vector<std::uint8_t> decoded_row((components * width) + 1);
  Image image(box.height, box.width, 3);
  errors_.attempt([&] {
    std::uint8_t* row = decoded_row.data() + 1;
    const std::uint8_t* wanted = row + (components * (box.left - left));
    for (std::int64_t y = needed.top; y < box.top + box.height; ++y) {
      jpeg_read_scanlines(&jpeg_, &row, 1);
      if (y < box.top) continue;
      std::uint8_t* out = image.at(y - box.top, 0);
      components == 4 ? convert_cmyk(wanted, box.width, out) : void(std::memcpy(out, wanted, 3 * box.width));
    }
    if (jpeg_.output_scanline == jpeg_.output_height) jpeg_finish_decompress(&jpeg_);
  });
  return image;
}

/// libjpeg's encoder of one image.
class Encoder {
 public:
  Encoder() {
    jpeg_.err = &errors_.manager;
    jpeg_.client_data = &errors_;
    errors_.attempt([&] { jpeg_create_compress(&jpeg_); });
  }
  ~Encoder() {
    jpeg_destroy_compress(&jpeg_);
    std::free(buffer_);
  }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  std::vector<std::uint8_t> encode(const Image& image, int quality) {
    errors_.attempt([&] {
      jpeg_mem_dest(&jpeg_, &buffer_, &size_);
      jpeg_.image_height = static_cast<JDIMENSION>(image.height);
      jpeg_.image_width = static_cast<JDIMENSION>(image.width);
      jpeg_.input_components = static_cast<int>(image.channels);
      jpeg_.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
      jpeg_set_defaults(&jpeg_);
      jpeg_set_quality(&jpeg_, quality, TRUE);
      jpeg_.dct_method = JDCT_ISLOW;
      jpeg_start_compress(&jpeg_, TRUE);
      while (jpeg_.next_scanline < jpeg_.image_height) {
        auto* row = const_cast<std::uint8_t*>(image.at(jpeg_.next_scanline, 0));
        jpeg_write_scanlines(&jpeg_, &row, 1);
      }
      jpeg_finish_compress(&jpeg_);
    });
    return {buffer_, buffer_ + size_};
  }

 private:
  ErrorHandler errors_;
  jpeg_compress_struct jpeg_ = {};
  std::uint8_t* buffer_ = nullptr;  // libjpeg allocates it
  unsigned long size_ = 0;
};

}  // namespace

JpegInfo read_jpeg_info(std::span<const std::uint8_t> bytes) { return Decoder(bytes).info(); }

Image decode_jpeg(std::span<const std::uint8_t> bytes) {
  Decoder decoder(bytes);
  const JpegInfo info = decoder.info();
  return decoder.decode({0, 0, info.height, info.width});
}

Image decode_jpeg_part(std::span<const std::uint8_t> bytes, const Box& box, std::int64_t least_height,
                       std::int64_t least_width) {
  Decoder decoder(bytes);
  const JpegInfo info = decoder.info();
  check_input<ImageError>(box.top + box.height <= info.height && box.left + box.width <= info.width,
                          "it has {}x{} pixels, fewer than are asked for", info.height, info.width);
  return decoder.decode(box, choose_scale(box, least_height, least_width));
}

std::vector<std::uint8_t> encode_jpeg(const Image& image, int quality) { return Encoder().encode(image, quality); }

}  // namespace incubate
