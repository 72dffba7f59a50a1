#pragma once

#include <cstdint>
#include <functional>
#include <memory_resource>
#include <vector>

#include "vision/raw_images.h"

namespace incubate {

/// Where images of a batch are normalised, erased and blended.
enum class FinishedBy { loader, device };

/// The samples of one forward pass. Either `images` has normalised planes (size x channels x height x width), or `raw`
/// has bytes that the device finishes. If images are blended (see mixup.h), `other_labels` are the labels of the images
/// blended in, and `label_weight` is the weight of `labels`.
struct Batch {
  std::int64_t size = 0;
  std::pmr::vector<float> images;  ///< empty if the device finishes them
  std::pmr::vector<std::int64_t> labels;
  std::pmr::vector<std::int64_t> other_labels = {};  ///< empty if images are not blended
  double label_weight = 1;
  RawImages raw = RawImages();  ///< empty if the loader finishes them
};

/// How to make a batch. `prepare` runs first, on the loading thread. `make_image` runs once per image, in any order, on
/// any thread. `finish` runs last.
struct BatchPlan {
  std::int64_t size = 0;
  std::int64_t image_values = 0;  ///< per image: channels x height x width; 0 if the device finishes them
  std::function<void(Batch& batch)> prepare = {};  ///< allocates the rest of the batch's memory; may be empty
  std::function<void(Batch& batch, std::int64_t k)> make_image;
  std::function<void(Batch& batch)> finish = {};  ///< may be empty
};

}  // namespace incubate
