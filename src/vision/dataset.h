#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "vision/image_source.h"

namespace incubate {

enum class Split { train, validation };
inline constexpr std::array kSplits = {Split::train, Split::validation};
const char* to_string(Split split);

/// What a packed file says of its images (see FORMAT.md).
struct DatasetInfo {
  std::int64_t num_train = 0;
  std::int64_t num_validation = 0;
  std::int64_t height = 0;  ///< 0, as the width, if the images differ in size
  std::int64_t width = 0;
  std::int64_t channels = 0;
  std::vector<std::string> class_names;
  std::string digest;  ///< names the content

  std::int64_t num_classes() const { return static_cast<std::int64_t>(class_names.size()); }
};

/// Verifies the whole file; of a set of encoded images its index, and that its shards are there. Throws InputError if
/// something is missing, damaged, of another type, or its parts do not fit.
DatasetInfo check_dataset(const std::filesystem::path& path);

/// The images of one split. All is const, and may be called by any number of threads.
class Dataset {
 public:
  Dataset() = default;
  virtual ~Dataset() = default;
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  virtual std::int64_t num_images() const = 0;
  virtual std::int64_t channels() const = 0;
  /// Pixels of every image; 0 if they differ in size.
  virtual std::int64_t height() const = 0;
  virtual std::int64_t width() const = 0;
  virtual std::int64_t label(std::int64_t index) const = 0;
  /// Throws DamagedImageError. What it returns must not outlive this.
  virtual std::unique_ptr<const ImageSource> open(std::int64_t index) const = 0;
};

/// `shards`: the folder that has a set's shards, or copies of them; by default that of `path`.
/// REQUIRES: check_dataset(path) passed, on any rank. Throws InputError if it has changed since, or this host does not
/// see it.
std::unique_ptr<const Dataset> open_dataset(const std::filesystem::path& path, Split split,
                                            const std::filesystem::path& shards = {});

}  // namespace incubate
