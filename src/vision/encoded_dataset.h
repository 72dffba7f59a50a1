#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/damaged_samples.h"
#include "vision/dataset.h"
#include "vision/image_set.h"

namespace incubate {

/// The JPEG and PNG images of one split of a set, read one by one from the shards while training. HDF5 reads only the
/// index, once. Every image is compared with its checksum, which finds shards damaged or replaced meanwhile. Any number
/// of threads may call the const functions at once.
class EncodedDataset final : public Dataset {
 public:
  /// Reads the index and checks that the shards exist with the stated lengths. Throws InputError. `shards` is a
  /// directory with copies of them. A copy that proves damaged is removed, and its shard read from beside the index.
  EncodedDataset(const FilePath& index, Split split, const FilePath& shards = {});
  /// Takes a set already read from `index`. Opens a shard only to read an image.
  EncodedDataset(const FilePath& index, ImageSet set, Split split, const FilePath& shards = {});
  ~EncodedDataset() override;

  std::int64_t num_images() const override { return static_cast<std::int64_t>(split_.table.size()); }
  std::int64_t channels() const override { return 3; }
  std::int64_t height() const override { return 0; }
  std::int64_t width() const override { return 0; }
  std::int64_t label(std::int64_t index) const override { return split_.table.labels[index]; }
  std::unique_ptr<const ImageSource> open(std::int64_t index) const override;
  std::int64_t height(std::int64_t index) const { return split_.table.heights[index]; }
  std::int64_t width(std::int64_t index) const { return split_.table.widths[index]; }
  /// Returns the bytes of the encoded image.
  std::int64_t length(std::int64_t index) const { return static_cast<std::int64_t>(split_.table.lengths[index]); }

  /// Returns the error to throw for a damaged image.
  DamagedSampleError damage(std::int64_t index, const std::string& what_is_wrong) const;

  /// Returns the encoded image. Throws DamagedSampleError, or UnreadableFileError if the system is the reason, such as
  /// a limit of open files.
  std::vector<std::uint8_t> read(std::int64_t index) const;

 private:
  struct Shard;

  /// Returns image `index` from that file of its shard.
  std::vector<std::uint8_t> read_from(Shard& file, std::int64_t index) const;
  /// `what_is_wrong` is such as "is damaged: its checksum is not the one stated".
  DamagedSampleError error(const Shard& file, std::int64_t index, const std::string& what_is_wrong) const;

  ImageSetSplit split_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::unique_ptr<Shard>> copies_;  // of the shards; empty if there are none
};

/// Returns whether the file is the index of an image set. REQUIRES: verify_file(path) passed on any rank.
bool is_image_set(const std::filesystem::path& path);

/// Returns what the index says of its images. Throws InputError if it contradicts itself, or a shard is missing or has
/// another length.
DatasetInfo check_encoded_dataset(const std::filesystem::path& index);

}  // namespace incubate
