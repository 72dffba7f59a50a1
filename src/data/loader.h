#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "data/augmenter.h"
#include "data/dataset.h"
#include "data/mixup.h"
#include "data/sampler.h"

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

/// Training micro-batches, each a pure function of its place: the augmentation of a position is addressed by
/// (seed, phase, epoch, position), the blending of images by (seed, phase, epoch, step in it, micro-batch). Keeps
/// references to `dataset`.
class TrainLoader {
 public:
  TrainLoader(const Dataset& dataset, const Normalisation& normalisation, const Augmentation& augmentation,
              Sampler sampler, std::uint64_t seed, Phase phase);

  const Sampler& sampler() const { return sampler_; }
  Batch load(const BatchPlace& place);

 private:
  void mix(const BatchPlace& place, Batch& batch) const;

  const Dataset& dataset_;
  Augmenter augmenter_;
  MixupOptions mixup_;
  Sampler sampler_;
  std::uint64_t seed_;
  Phase phase_;
  std::array<std::int64_t, 2> size_;  ///< height and width of an augmented image
};

/// Evaluation batches: the images in order, as they are or resized and cut, in batches of `size` (the last may be
/// smaller).
class EvaluationLoader {
 public:
  EvaluationLoader(const Dataset& dataset, const Normalisation& normalisation, std::int64_t size,
                   const std::optional<EvaluationCrop>& crop = std::nullopt);

  std::int64_t num_images() const { return dataset_.num_images(); }
  std::int64_t num_batches() const { return (dataset_.num_images() + size_ - 1) / size_; }
  Batch load(std::int64_t batch_index) const;

 private:
  const Dataset& dataset_;
  NormalisationTable table_;
  std::int64_t size_;
  std::optional<EvaluationCrop> crop_;
};

}  // namespace incubate
