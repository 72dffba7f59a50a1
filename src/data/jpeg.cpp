#include "data/jpeg.h"

#include <csetjmp>
#include <cstdio>  // jpeglib.h needs it
#include <cstdlib>
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

/// A progressive file may have many scans that each cost as much as decoding the image once.
constexpr int kMostScans = 100;

/// Where libjpeg's errors go: it must not return from one, and C frames let no exception pass, so it jumps back to
/// attempt(), which throws.
struct ErrorHandler {
  jpeg_error_mgr manager;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];

  ErrorHandler();
  /// Runs `steps`, which call libjpeg. They may have no object with a destructor: a jump would leave it out.
  template <typename Steps>
  void attempt(Steps steps) {
    static_assert(std::is_trivially_destructible_v<Steps>);
    if (setjmp(jump) != 0) throw ImageError(message);
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

/// Warnings (level -1) of lost data are errors here; others, such as of stray bytes between segments, change no pixel.
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
  Image decode();

 private:
  ErrorHandler errors_;
  jpeg_progress_mgr progress_ = {};
  jpeg_decompress_struct jpeg_ = {};
};

/// a b / 255, rounded, for a and b up to 255.
int multiply_shares(int a, int b) {
  const int product = (a * b) + 128;
  return ((product >> 8) + product) >> 8;
}

/// The file's values are inverted, 255 for no ink: so does Adobe, and nobody else writes such files.
void convert_cmyk(const std::uint8_t* cmyk, std::int64_t num_pixels, std::uint8_t* rgb) {
  for (std::int64_t i = 0; i < num_pixels; ++i) {
    const int light = cmyk[(4 * i) + 3];
    for (int c = 0; c < 3; ++c) {
      rgb[(3 * i) + c] = static_cast<std::uint8_t>(light - multiply_shares(255 - cmyk[(4 * i) + c], light));
    }
  }
}

Image Decoder::decode() {
  errors_.attempt([&] { jpeg_start_decompress(&jpeg_); });
  Image image(jpeg_.output_height, jpeg_.output_width, 3);
  const bool is_cmyk = jpeg_.output_components == 4;
  std::vector<std::uint8_t> cmyk_row(is_cmyk ? 4 * image.width : 0);
  errors_.attempt([&] {
    while (jpeg_.output_scanline < jpeg_.output_height) {
      std::uint8_t* out = image.at(jpeg_.output_scanline, 0);
      std::uint8_t* row = is_cmyk ? cmyk_row.data() : out;
      jpeg_read_scanlines(&jpeg_, &row, 1);
      if (is_cmyk) convert_cmyk(row, image.width, out);
    }
    jpeg_finish_decompress(&jpeg_);
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

Image decode_jpeg(std::span<const std::uint8_t> bytes) { return Decoder(bytes).decode(); }

Image decode_jpeg_part(std::span<const std::uint8_t> bytes, const Box& box, std::int64_t /*least_height*/,
                       std::int64_t /*least_width*/) {
  return crop(decode_jpeg(bytes), box);
}

std::vector<std::uint8_t> encode_jpeg(const Image& image, int quality) { return Encoder().encode(image, quality); }

}  // namespace incubate
