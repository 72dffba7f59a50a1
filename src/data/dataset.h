#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace incubate {

enum class Split { train, validation };
const char* to_string(Split split);

/// What a packed file says of its images (see FORMAT.md).
struct DatasetInfo {
  std::int64_t num_train = 0;
  std::int64_t num_validation = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
  std::vector<std::string> class_names;
  std::string digest;  ///< names the content

  std::int64_t num_classes() const { return static_cast<std::int64_t>(class_names.size()); }
};

/// Verifies the whole file. Throws InputError if it is missing, damaged, of another type, or its parts do not fit.
DatasetInfo check_dataset(const std::filesystem::path& path);

/// The images of one split, in memory.
class Dataset {
 public:
  /// REQUIRES: check_dataset(path) passed, on any rank. Throws std::runtime_error if they cannot be read all the same.
  Dataset(const std::filesystem::path& path, Split split);

  std::int64_t num_images() const { return static_cast<std::int64_t>(labels_.size()); }
  std::int64_t height() const { return height_; }
  std::int64_t width() const { return width_; }
  std::int64_t channels() const { return channels_; }
  /// Bytes of image `index`: height x width x channels.
  std::span<const std::uint8_t> image(std::int64_t index) const;
  std::int64_t label(std::int64_t index) const { return labels_[index]; }

 private:
  std::int64_t height_;
  std::int64_t width_;
  std::int64_t channels_;
  std::vector<std::uint8_t> images_;
  std::vector<std::int64_t> labels_;
};

}  // namespace incubate
