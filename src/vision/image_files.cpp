#include "vision/image_files.h"

#include <algorithm>
#include <cctype>

#include "base/check.h"
#include "base/input_file.h"
#include "vision/encoded_image.h"
#include "vision/jpeg.h"
#include "vision/png.h"

namespace incubate {
namespace {

/// A colour image in grey: ITU-R 601-2 luma in 16 bits, as Pillow rounds it.
class GreyImage final : public ImageSource {
 public:
  explicit GreyImage(std::unique_ptr<const ImageSource> colour) : colour_(std::move(colour)) {}
  std::int64_t height() const override { return colour_->height(); }
  std::int64_t width() const override { return colour_->width(); }
  std::int64_t channels() const override { return 1; }
  Image part(const Box& box, std::int64_t least_height, std::int64_t least_width) const override {
    const Image colour = colour_->part(box, least_height, least_width);
    Image grey(colour.height, colour.width, 1);
    for (std::size_t i = 0; i < grey.bytes.size(); ++i) {
      const std::uint8_t* rgb = &colour.bytes[3 * i];
      grey.bytes[i] = static_cast<std::uint8_t>(((rgb[0] * 19595) + (rgb[1] * 38470) + (rgb[2] * 7471) + 0x8000) >> 16);
    }
    return grey;
  }

 private:
  std::unique_ptr<const ImageSource> colour_;
};

bool has_hidden_name(const std::filesystem::path& path) { return path.filename().string().starts_with('.'); }

bool is_named_as_image(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return std::tolower(c); });
  return ending == ".jpg" || ending == ".jpeg" || ending == ".png";
}

/// Header of a PNG file: its first chunk is IHDR.
std::pair<std::int64_t, std::int64_t> read_size(std::span<const std::uint8_t> bytes) {
  if (!is_png(bytes)) {
    const JpegInfo info = read_jpeg_info(bytes);
    return {info.height, info.width};
  }
  constexpr std::size_t kWidth = 16;
  constexpr std::size_t kHeight = 20;
  check_input<ImageError>(bytes.size() >= kHeight + 4, "it ends within its header");
  const auto number = [&](std::size_t at) {
    return (std::int64_t{bytes[at]} << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  };
  return {number(kHeight), number(kWidth)};
}

}  // namespace

std::unique_ptr<const ImageSource> ImageFiles::open(std::int64_t index) const {
  const std::string path = files_[index].string();
  const auto error = [path](const std::string& what_is_wrong) {
    return DamagedSampleError(fmt::format("{}: {}.", path, what_is_wrong));
  };
  std::string file;
  try {
    file = read_input_file(path);
  } catch (const InputError& unreadable) {
    throw DamagedSampleError(unreadable.what());
  }
  std::vector<std::uint8_t> bytes(file.begin(), file.end());
  try {
    check_input<ImageError>(!bytes.empty(), "it is empty");
    check_input<ImageError>(is_png(bytes) || (bytes[0] == 0xFF && bytes.size() > 2 && bytes[1] == 0xD8),
                            "it is neither a JPEG nor a PNG. Convert it to one of them");
    check_png_depth(bytes);
    const auto [height, width] = read_size(bytes);
    check_image_size(height, width);
    auto colour = std::make_unique<const EncodedImage>(std::move(bytes), height, width, error);
    if (channels_ == 1) return std::make_unique<const GreyImage>(std::move(colour));
    return colour;
  } catch (const ImageError& wrong) {
    throw error(wrong.what());
  }
}

ListedImages list_image_files(const std::vector<std::string>& words) {
  namespace fs = std::filesystem;
  ListedImages listed;
  for (const std::string& word : words) {
    std::error_code ignored;
    check_input(fs::exists(word, ignored), "{} does not exist. Name JPEG or PNG files, or folders of them.", word);
    if (!fs::is_directory(word)) {
      listed.files.push_back(word);
      continue;
    }
    std::vector<std::string> files;
    for (auto entry = fs::recursive_directory_iterator(word, fs::directory_options::follow_directory_symlink);
         entry != fs::recursive_directory_iterator(); ++entry) {
      if (has_hidden_name(entry->path())) {
        if (entry->is_directory()) entry.disable_recursion_pending();
      } else if (!entry->is_directory()) {
        (is_named_as_image(entry->path()) ? files : listed.left_out).push_back(entry->path().string());
      }
    }
    std::ranges::sort(files);
    listed.files.insert(listed.files.end(), files.begin(), files.end());
  }
  std::ranges::sort(listed.left_out);
  return listed;
}

}  // namespace incubate
