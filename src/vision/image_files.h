#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "vision/dataset.h"

namespace incubate {

/// JPEG and PNG files, without labels (every label is 0). What is wrong with a file is found when it is opened.
class ImageFiles final : public Dataset {
 public:
  /// `channels` are those of the images made: 3, or 1 for grey ones, which colours become as in Pillow's convert("L").
  ImageFiles(std::vector<std::filesystem::path> files, std::int64_t channels)
      : files_(std::move(files)), channels_(channels) {}

  std::int64_t num_images() const override { return static_cast<std::int64_t>(files_.size()); }
  std::int64_t channels() const override { return channels_; }
  std::int64_t height() const override { return 0; }
  std::int64_t width() const override { return 0; }
  std::int64_t label(std::int64_t /*index*/) const override { return 0; }
  std::unique_ptr<const ImageSource> open(std::int64_t index) const override;

 private:
  std::vector<std::filesystem::path> files_;
  std::int64_t channels_;
};

/// The image files that a user named, or that lie in folders that the user named.
struct ListedImages {
  std::vector<std::string> files;
  std::vector<std::string> left_out;  ///< files in folders with other endings than .jpg, .jpeg and .png
};
/// Lists `words`: files as they are, folders with all files below them, sorted, without hidden ones. Throws InputError
/// if one does not exist or a folder cannot be read.
ListedImages list_image_files(const std::vector<std::string>& words);

}  // namespace incubate
