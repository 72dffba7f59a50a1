#include "vision/encoded_dataset.h"

#include "hdf5/verified_file.h"
#include "vision/jpeg.h"
#include "vision/png.h"

namespace incubate {
namespace {

/// A JPEG or PNG image whose errors name its shard and place.
class EncodedImage : public ImageSource {
 public:
  EncodedImage(const EncodedImageSet& set, std::int64_t index) : set_(set), index_(index), bytes_(set.read(index)) {}

  std::int64_t height() const override { return set_.height(index_); }
  std::int64_t width() const override { return set_.width(index_); }
  std::int64_t channels() const override { return 3; }
  Image part(const Box& box, std::int64_t least_height, std::int64_t least_width) const override {
    try {
      return is_png(bytes_) ? decode_png_part(bytes_, box) : decode_jpeg_part(bytes_, box, least_height, least_width);
    } catch (const ImageError& error) {
      throw set_.damage(index_, error.what());
    }
  }

 private:
  const EncodedImageSet& set_;
  std::int64_t index_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

std::unique_ptr<const ImageSource> EncodedDataset::open(std::int64_t index) const {
  return std::make_unique<EncodedImage>(images_, index);
}

bool is_image_set(const std::filesystem::path& path) {
  return read_intact_file(
      path, [](const Hdf5File& file) { return file.read_string_attribute("filetype") == kImageSetFiletype; });
}

DatasetInfo check_encoded_dataset(const std::filesystem::path& index) {
  const ImageSet set = read_image_set(index);
  check_shard_lengths(index, set);
  return {.num_train = static_cast<std::int64_t>(set.train.table.size()),
          .num_validation = static_cast<std::int64_t>(set.validation.table.size()),
          .channels = 3,
          .class_names = set.class_names,
          .digest = stated_digest(index)};
}

}  // namespace incubate
