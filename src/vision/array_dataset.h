#pragma once

#include <span>

#include "vision/dataset.h"

namespace incubate {

inline constexpr const char* kDatasetFiletype = "incubate dataset";
inline constexpr std::int64_t kDatasetVersion = 2;

/// Unencoded images of equal size in one array in memory.
class ArrayDataset : public Dataset {
 public:
  /// Reads all images. REQUIRES: check_array_dataset(path) passed on any rank.
  ArrayDataset(const std::filesystem::path& path, Split split);

  std::int64_t num_images() const override { return static_cast<std::int64_t>(labels_.size()); }
  std::int64_t channels() const override { return channels_; }
  std::int64_t value_bytes() const override { return value_bytes_; }
  std::int64_t height() const override { return height_; }
  std::int64_t width() const override { return width_; }
  std::int64_t label(std::int64_t index) const override { return labels_[index]; }
  std::unique_ptr<const ImageSource> open(std::int64_t index) const override;
  /// Returns the bytes of image `index`: of height x width x channels values.
  std::span<const std::uint8_t> image(std::int64_t index) const;

 private:
  std::int64_t height_;
  std::int64_t width_;
  std::int64_t channels_;
  std::int64_t value_bytes_;
  std::vector<std::uint8_t> images_;
  std::vector<std::int64_t> labels_;
};

/// Returns what the file says of its images. Throws InputError if the file has another type or contradicts itself.
/// REQUIRES: verify_file(path) passed.
DatasetInfo check_array_dataset(const std::filesystem::path& path);

}  // namespace incubate
