#include "image/png.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <new>
#include <type_traits>

#include <png.h>

namespace incubate {
namespace {

constexpr std::size_t kSignatureBytes = 8;

/// libpng's decoder of one file. Its errors jump back to attempt(), which throws: C frames let no exception pass.
class PngDecoder {
 public:
  explicit PngDecoder(std::span<const std::uint8_t> bytes) : rest_(bytes) {
    attempt([&] {
      png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, jump_back, ignore_warning);
      if (png_ == nullptr) return;
      info_ = png_create_info_struct(png_);
    });
    if (info_ == nullptr) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw std::bad_alloc();  // libpng says nothing more
    }
  }
  ~PngDecoder() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;

  Image decode();

 private:
  /// Runs `steps`, which call libpng. They may have no object with a destructor: a jump would leave it out.
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
  std::jmp_buf jump_;
  char message_[200];
};

Image PngDecoder::decode() {
  attempt([&] {
    png_set_read_fn(png_, this, read);
    // The sides' product is checked below; each by itself may be anything.
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // What changes no pixel is left out: a few kilobytes of compressed text become 8 MB, up to a thousand times.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_read_info(png_, info_);
  });
  const std::int64_t height = png_get_image_height(png_, info_), width = png_get_image_width(png_, info_);
  check_image_size(height, width);
  bool is_rgb = false;
  attempt([&] {
    png_set_palette_to_rgb(png_);
    png_set_expand_gray_1_2_4_to_8(png_);
    png_set_strip_16(png_);
    png_set_strip_alpha(png_);
    png_set_gray_to_rgb(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    is_rgb = png_get_rowbytes(png_, info_) == static_cast<std::size_t>(3 * width);
  });
  if (!is_rgb) throw ImageError("its kind of pixels is unknown");
  Image image(height, width, 3);
  std::vector<png_bytep> rows(height);
  for (std::int64_t y = 0; y < height; ++y) rows[y] = image.at(y, 0);
  attempt([&] {
    png_read_image(png_, rows.data());
    png_read_end(png_, nullptr);
  });
  return image;
}

}  // namespace

bool is_png(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= kSignatureBytes && png_sig_cmp(bytes.data(), 0, kSignatureBytes) == 0;
}

Image decode_png(std::span<const std::uint8_t> bytes) { return PngDecoder(bytes).decode(); }

}  // namespace incubate
