#pragma once

#include "vision/dataset.h"
#include "vision/encoded_image_set.h"

namespace incubate {

/// JPEG and PNG images of any size, read one by one from a set's shards.
class EncodedDataset : public Dataset {
 public:
  /// `shards` is a directory with copies of the shards, if not empty. REQUIRES: `index` was verified on any rank.
  EncodedDataset(const std::filesystem::path& index, Split split, const std::filesystem::path& shards)
      : images_(index, split, shards) {}

  std::int64_t num_images() const override { return images_.num_images(); }
  std::int64_t channels() const override { return 3; }
  std::int64_t height() const override { return 0; }
  std::int64_t width() const override { return 0; }
  std::int64_t label(std::int64_t index) const override { return images_.label(index); }
  std::unique_ptr<const ImageSource> open(std::int64_t index) const override;

 private:
  EncodedImageSet images_;
};

/// Returns whether the file is the index of an image set. REQUIRES: verify_file(path) passed on any rank.
bool is_image_set(const std::filesystem::path& path);

/// Returns what the index says of its images. Throws InputError if it contradicts itself, or a shard is missing or has
/// another length.
DatasetInfo check_encoded_dataset(const std::filesystem::path& index);

}  // namespace incubate
