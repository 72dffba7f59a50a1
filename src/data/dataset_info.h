#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace incubate {

/// Description of the images in a packed file (layout: ../vision/FORMAT.md).
struct DatasetInfo {
  std::int64_t num_train = 0;
  std::int64_t num_validation = 0;
  std::int64_t height = 0;  ///< 0, like `width`, if the images differ in size
  std::int64_t width = 0;
  std::int64_t channels = 0;
  std::vector<std::string> class_names;
  std::string digest;  ///< hash of the content

  std::int64_t num_classes() const { return static_cast<std::int64_t>(class_names.size()); }
};

}  // namespace incubate
