#pragma once

#include <cstdint>
#include <functional>
#include <memory_resource>
#include <vector>

namespace incubate {

/// What one forward pass sees: `images` are planes (size x channels x height x width), normalised. Where images are
/// blended (see mixup.h), `other_labels` are those of the images blended in, and `label_weight` the weight of `labels`.
struct Batch {
  std::int64_t size = 0;
  std::pmr::vector<float> images;
  std::pmr::vector<std::int64_t> labels;
  std::pmr::vector<std::int64_t> other_labels = {};  ///< empty if images are not blended
  double label_weight = 1;
};

/// How to make a batch: image by image, each by a call of its own, in any order and from any thread; then what takes
/// all of them.
struct BatchPlan {
  std::int64_t size = 0;
  std::int64_t image_values = 0;  ///< of one image: channels x height x width
  std::function<void(Batch& batch, std::int64_t k)> make_image;
  std::function<void(Batch& batch)> finish = {};  ///< may be empty
};

}  // namespace incubate
