#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "data/dataset_info.h"
#include "vision/image_source.h"

namespace incubate {

enum class Split { train, validation };
inline constexpr std::array kSplits = {Split::train, Split::validation};
const char* to_string(Split split);

/// Returns what the file says of its images, after verifying all of it. For a set of encoded images, verifies the index
/// and that the shards exist. Throws InputError if anything is missing, damaged, of another type, or inconsistent.
DatasetInfo check_dataset(const std::filesystem::path& path);

/// The images of one split. Any number of threads may call its functions at once.
class Dataset {
 public:
  Dataset() = default;
  virtual ~Dataset() = default;
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  virtual std::int64_t num_images() const = 0;
  virtual std::int64_t channels() const = 0;
  /// Bytes of a value: 2 for images of 16 bits.
  virtual std::int64_t value_bytes() const { return 1; }
  /// Pixels of every image; 0 if images differ in size.
  virtual std::int64_t height() const = 0;
  virtual std::int64_t width() const = 0;
  virtual std::int64_t label(std::int64_t index) const = 0;
  /// Returns image `index`, which must not outlive the dataset. Throws DamagedSampleError.
  virtual std::unique_ptr<const ImageSource> open(std::int64_t index) const = 0;
};

/// Opens a split. `shards` is a directory with copies of a set's shards, if not empty. Throws InputError if the file
/// has changed since its check or this host cannot see it. REQUIRES: check_dataset(path) passed on any rank.
std::unique_ptr<const Dataset> open_dataset(const std::filesystem::path& path, Split split,
                                            const std::filesystem::path& shards = {});

}  // namespace incubate
