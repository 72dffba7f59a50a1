#include "vision/png.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <new>
#include <type_traits>

#include <png.h>

#include "base/check.h"

namespace incubate {
namespace {

constexpr std::size_t kSignatureBytes = 8;

/// libpng's decoder of one file. libpng's errors jump back to attempt(), which throws: C frames let no exception pass.
class PngDecoder {
 public:
  /// Reads the header.
  explicit PngDecoder(std::span<const std::uint8_t> bytes) : rest_(bytes) {
    attempt([&] {
      png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, jump_back, ignore_warning);
      if (png_ == nullptr) return;
      info_ = png_create_info_struct(png_);
    });
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw std::bad_alloc();  // libpng gives no other reason
    }
    try {
      read_header();
    } catch (...) {
      png_destroy_read_struct(&png_, &info_, nullptr);
      throw;
    }
  }
  ~PngDecoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;

  Box whole() const { return {0, 0, height_, width_}; }
  Image decode(const Box& box);

 private:
  void read_header();
  /// Runs `steps`, which call libpng. They may own no object with a destructor: a jump would skip it.
  template <typename Steps>
  void attempt(Steps steps) {
    static_assert(std::is_trivially_destructible_v<Steps>);
    if (setjmp(jump_) != 0) throw_decoder_error(message_);
    steps();
  }

  [[noreturn]] static void jump_back(png_structp png, png_const_charp message) {
    auto* decoder = static_cast<PngDecoder*>(png_get_error_ptr(png));
    std::snprintf(decoder->message_, sizeof decoder->message_, "%s", message);
    std::longjmp(decoder->jump_, 1);
  }
  static void ignore_warning(png_structp /*png*/, png_const_charp /*message*/) {}
  static void read(png_structp png, png_bytep out, std::size_t size) {
    auto* decoder = static_cast<PngDecoder*>(png_get_io_ptr(png));
    if (decoder->rest_.size() < size) png_error(png, "the file ends early");
    std::memcpy(out, decoder->rest_.data(), size);
    decoder->rest_ = decoder->rest_.subspan(size);
  }

  std::span<const std::uint8_t> rest_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::int64_t height_ = 0;
  std::int64_t width_ = 0;
  std::jmp_buf jump_;
  char message_[200];
};

void PngDecoder::read_header() {
  attempt([&] {
    png_set_read_fn(png_, this, read);
    // Only the product of the sides is limited, below.
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // Ignore chunks that change no pixel: a few kilobytes of compressed text can become 8 MB.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_read_info(png_, info_);
  });
  height_ = png_get_image_height(png_, info_);
  width_ = png_get_image_width(png_, info_);
  check_image_size(height_, width_);
  bool is_rgb = false;
  attempt([&] {
    png_set_palette_to_rgb(png_);
    png_set_expand_gray_1_2_4_to_8(png_);
    png_set_strip_16(png_);
    png_set_strip_alpha(png_);
    png_set_gray_to_rgb(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    is_rgb = png_get_rowbytes(png_, info_) == static_cast<std::size_t>(3 * width_);
  });
  if (!is_rgb) throw ImageError("its kind of pixels is unknown");
}

Image PngDecoder::decode(const Box& box) {
  const std::int64_t end = box.top + box.height;
  check_input<ImageError>(end <= height_ && box.left + box.width <= width_,
                          "it has {}x{} pixels, fewer than are asked for", height_, width_);
  if (png_get_interlace_type(png_, info_) != PNG_INTERLACE_NONE) {  // each pass has pixels of the whole image
    Image image(height_, width_, 3);
    std::vector<png_bytep> rows(height_);
    for (std::int64_t y = 0; y < height_; ++y) rows[y] = image.at(y, 0);
    attempt([&] {
      png_read_image(png_, rows.data());
      png_read_end(png_, nullptr);
    });
    return box == whole() ? image : crop(image, box);
  }
  Image image(box.height, box.width, 3);
  std::vector<std::uint8_t> row(3 * width_);
  attempt([&] {
    for (std::int64_t y = 0; y < end; ++y) {
      png_read_row(png_, row.data(), nullptr);
      if (y >= box.top) std::memcpy(image.at(y - box.top, 0), &row[3 * box.left], 3 * box.width);
    }
    if (end == height_) png_read_end(png_, nullptr);
  });
  return image;
}

}  // namespace

bool is_png(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= kSignatureBytes && png_sig_cmp(bytes.data(), 0, kSignatureBytes) == 0;
}

void check_png_depth(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kDepth = 24;  // behind the signature, the first chunk's head and the sides
  check_input<ImageError>(!is_png(bytes) || bytes.size() <= kDepth || bytes[kDepth] <= 8,
                          "it has {} bits a channel, of which image files keep 8. Convert it to 8 bits; 'incubate pack "
                          "--format=npy' keeps 16",
                          bytes.size() <= kDepth ? 0 : bytes[kDepth]);
}

Image decode_png(std::span<const std::uint8_t> bytes) {
  PngDecoder decoder(bytes);
  return decoder.decode(decoder.whole());
}

Image decode_png_part(std::span<const std::uint8_t> bytes, const Box& box) { return PngDecoder(bytes).decode(box); }

std::vector<std::uint8_t> encode_png(const Image& image) {
  png_image header = {};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(image.width);
  header.height = static_cast<png_uint_32>(image.height);
  header.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(header);
  std::vector<std::uint8_t> bytes(size);
  if (png_image_write_to_memory(&header, bytes.data(), &size, 0, image.bytes.data(), 0, nullptr) == 0) {
    throw ImageError(header.message);
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace incubate
