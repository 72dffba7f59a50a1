#pragma once

#include <cstdint>
#include <functional>
#include <memory_resource>
#include <vector>

#include "vision/raw_images.h"

namespace incubate {

/// Who normalises, erases and blends the images of a batch.
enum class FinishedBy { loader, device };

/// What one forward pass sees: `images` are planes (size x channels x height x width), normalised; or `raw` is what the
/// device makes them of. Where images are blended (see mixup.h), `other_labels` are those of the images blended in, and
/// `label_weight` the weight of `labels`.
struct Batch {
  std::int64_t size = 0;
  std::pmr::vector<float> images;  ///< empty if the device finishes them
  std::pmr::vector<std::int64_t> labels;
  std::pmr::vector<std::int64_t> other_labels = {};  ///< empty if images are not blended
  double label_weight = 1;
  RawImages raw = RawImages();  ///< empty if the loader finishes them
};

/// How to make a batch: what comes first, by the thread that loads; image by image, each by a call of its own, in any
/// order and from any thread; then what takes all of them.
struct BatchPlan {
  std::int64_t size = 0;
  std::int64_t image_values = 0;  ///< of one image: channels x height x width; 0 if the device finishes them
  std::function<void(Batch& batch)> prepare = {};  ///< claims the rest of its memory; may be empty
  std::function<void(Batch& batch, std::int64_t k)> make_image;
  std::function<void(Batch& batch)> finish = {};  ///< may be empty
};

}  // namespace incubate
