#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/damaged_samples.h"
#include "vision/image_set.h"

namespace incubate {

/// An image of a shard cannot be read, or its bytes are not the packed ones.
class DamagedImageError : public DamagedSampleError {
 public:
  /// `what_is_wrong` is such as "is damaged: its checksum is not the one stated". `image` counts within the shard.
  DamagedImageError(const FilePath& shard, std::int64_t image, const std::string& what_is_wrong);

  const FilePath& shard() const { return shard_; }
  std::int64_t image() const { return image_; }

 private:
  FilePath shard_;
  std::int64_t image_;
};

/// The images of one split of a set, read one by one from the shards while training. HDF5 reads only the index, once.
/// Every image is compared with its checksum, which finds shards damaged or replaced meanwhile. Any number of threads
/// may call the const functions at once.
class EncodedImageSet {
 public:
  /// Reads the index and checks that the shards exist with the stated lengths. Throws InputError. `shards` is a
  /// directory with copies of them. A copy that proves damaged is removed, and its shard read from beside the index.
  EncodedImageSet(const FilePath& index, Split split, const FilePath& shards = {});
  /// Takes a set already read from `index`. Opens a shard only to read an image.
  EncodedImageSet(const FilePath& index, ImageSet set, Split split, const FilePath& shards = {});
  ~EncodedImageSet();
  EncodedImageSet(EncodedImageSet&&) noexcept;
  EncodedImageSet& operator=(EncodedImageSet&&) = delete;
  EncodedImageSet(const EncodedImageSet&) = delete;

  std::int64_t num_images() const { return static_cast<std::int64_t>(split_.table.size()); }
  const std::vector<std::string>& class_names() const { return class_names_; }
  std::int64_t label(std::int64_t index) const { return split_.table.labels[index]; }
  std::int64_t height(std::int64_t index) const { return split_.table.heights[index]; }
  std::int64_t width(std::int64_t index) const { return split_.table.widths[index]; }
  /// Returns the bytes of the encoded image.
  std::int64_t length(std::int64_t index) const { return static_cast<std::int64_t>(split_.table.lengths[index]); }

  /// Returns the error to throw for a damaged image.
  DamagedImageError damage(std::int64_t index, const std::string& what_is_wrong) const;

  /// Returns the encoded image. Throws DamagedImageError, or UnreadableFileError if the system is the reason, such as a
  /// limit of open files.
  std::vector<std::uint8_t> read(std::int64_t index) const;

 private:
  struct Shard;

  /// Returns image `index` from that file of its shard.
  std::vector<std::uint8_t> read_from(Shard& file, std::int64_t index) const;
  DamagedImageError error(const Shard& file, std::int64_t index, const std::string& what_is_wrong) const;

  std::vector<std::string> class_names_;
  ImageSetSplit split_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::unique_ptr<Shard>> copies_;  // of the shards; empty if there are none
};

}  // namespace incubate
