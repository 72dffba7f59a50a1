#pragma once

#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "data/mixup.h"
#include "data/sampler.h"
#include "data/transforms.h"

namespace incubate {

/// What one forward pass sees: `images` are planes (size x channels x height x width), normalised. Where images are
/// blended (see mixup.h), `other_labels` are those of the images blended in, and `label_weight` the weight of `labels`.
struct Batch {
  std::int64_t size = 0;
  std::vector<float> images;
  std::vector<std::int64_t> labels;
  std::vector<std::int64_t> other_labels = {};  ///< empty if images are not blended
  double label_weight = 1;
};

/// How training images are changed at random.
struct Augmentation {
  std::int64_t crop_padding = 0;
  bool flip = false;
  MixupOptions mixup = {};
};

/// Training micro-batches, each a pure function of its place: the augmentation of a position is addressed by
/// (seed, phase, epoch, position), the blending of images by (seed, phase, epoch, step in it, micro-batch). Keeps
/// references to `dataset`.
class TrainLoader {
 public:
  TrainLoader(const Dataset& dataset, Normalisation normalisation, Augmentation augmentation, Sampler sampler,
              std::uint64_t seed, Phase phase);

  const Sampler& sampler() const { return sampler_; }
  Batch load(const BatchPlace& place);

 private:
  void mix(const BatchPlace& place, Batch& batch) const;

  const Dataset& dataset_;
  Normalisation normalisation_;
  Augmentation augmentation_;
  Sampler sampler_;
  std::uint64_t seed_;
  Phase phase_;
};

/// Evaluation batches: the images as they are, in order, cut into batches of `size` (the last may be smaller).
class EvaluationLoader {
 public:
  EvaluationLoader(const Dataset& dataset, Normalisation normalisation, std::int64_t size);

  std::int64_t num_images() const { return dataset_.num_images(); }
  std::int64_t num_batches() const { return (dataset_.num_images() + size_ - 1) / size_; }
  Batch load(std::int64_t batch_index) const;

 private:
  const Dataset& dataset_;
  Normalisation normalisation_;
  std::int64_t size_;
};

}  // namespace incubate
