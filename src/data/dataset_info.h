#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace incubate {

/// Description of the images in a packed file (layout: ../vision/FORMAT.md).
struct DatasetInfo {
  std::int64_t num_train = 0;
  std::int64_t num_validation = 0;
  std::int64_t height = 0;  ///< 0, like `width`, if the images differ in size
  std::int64_t width = 0;
  std::int64_t channels = 0;
  std::int64_t value_bytes = 1;  ///< of a channel: 2 for images of 16 bits
  /// Mean and standard deviation of the training images' values, per channel, in 0..1 of the largest value (255 or
  /// 65535). Both are empty if the file does not say.
  std::vector<double> mean = {};
  std::vector<double> std = {};
  std::vector<std::string> class_names;
  std::string digest;  ///< hash of the content

  std::int64_t num_classes() const { return static_cast<std::int64_t>(class_names.size()); }
};

/// Returns the addresses of a DatasetInfo's integers, by their names in checkpoints.
template <typename Info>
auto list_numbers(Info& data) {
  return std::array{std::pair("num_train", &data.num_train), std::pair("num_validation", &data.num_validation),
                    std::pair("height", &data.height),       std::pair("width", &data.width),
                    std::pair("channels", &data.channels),   std::pair("value_bytes", &data.value_bytes)};
}

}  // namespace incubate
