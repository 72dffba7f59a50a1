#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/share.h"
#include "data/batch.h"
#include "data/damaged_images.h"
#include "data/prefetcher.h"
#include "data/sampler.h"
#include "vision/augmenter.h"
#include "vision/dataset.h"
#include "vision/mixup.h"

namespace incubate {

/// How to read images. While all images are intact, only `finished_by` changes what a batch holds.
struct LoaderOptions {
  PrefetchOptions prefetch = {};
  FinishedBy finished_by = FinishedBy::loader;  ///< device: batches have raw images
  OnDataError on_error = OnDataError::fail;
  std::function<void(const std::string& message)> warn = {};  ///< once per damaged image, on the loading thread
};

/// Loads training micro-batches, each a pure function of its place. Draws for a position have the address (seed, phase,
/// epoch, position), draws for blending (seed, phase, epoch, step in epoch, micro-batch). Keeps a reference to
/// `dataset`.
class TrainLoader {
 public:
  /// `share` is the range of each step's micro-batches that load() is asked for, in order; empty means all.
  TrainLoader(const Dataset& dataset, const Normalisation& normalisation, const Augmentation& augmentation,
              Sampler sampler, std::uint64_t seed, Phase phase, const LoaderOptions& options = {},
              const Share& share = {});

  const Sampler& sampler() const { return sampler_; }
  Batch load(const BatchPlace& place);
  /// Returns the seconds spent in load() so far.
  double waited_s() const { return waited_s_; }

 private:
  BatchPlan plan(const BatchPlace& place);
  void leave_to_device(BatchPlan& plan, std::int64_t epoch, const std::vector<std::int64_t>& positions,
                       const std::vector<std::int64_t>& images);
  BatchPlace next(const BatchPlace& place) const;
  void mix(const BatchPlace& place, Batch& batch) const;

  const Dataset& dataset_;
  Augmenter augmenter_;
  MixupOptions mixup_;
  Sampler sampler_;
  std::uint64_t seed_;
  Phase phase_;
  Share share_;
  std::array<std::int64_t, 2> size_;  ///< height and width of an augmented image
  FinishedBy finished_by_;
  DamagedImages damaged_;
  std::function<void(const std::string& message)> warn_;
  double waited_s_ = 0;
  Prefetcher prefetcher_;  // last, because its threads use the members above
};

/// Loads evaluation batches: the images in order, cropped by `crop` or unchanged, `size` at a time (the last batch may
/// be smaller).
class EvaluationLoader {
 public:
  EvaluationLoader(const Dataset& dataset, const Normalisation& normalisation, std::int64_t size,
                   const std::optional<EvaluationCrop>& crop = std::nullopt, const LoaderOptions& options = {});

  std::int64_t num_images() const { return dataset_.num_images(); }
  std::int64_t num_batches() const { return (dataset_.num_images() + size_ - 1) / size_; }
  /// Returns a batch of a pass over the batches before `end`, or over all batches.
  Batch load(std::int64_t batch_index, std::optional<std::int64_t> end = std::nullopt);

 private:
  BatchPlan plan(std::int64_t batch_index);

  const Dataset& dataset_;
  NormalisationTable table_;
  std::int64_t size_;
  std::optional<EvaluationCrop> crop_;
  FinishedBy finished_by_;
  DamagedImages damaged_;
  std::function<void(const std::string& message)> warn_;
  std::int64_t end_;
  Prefetcher prefetcher_;  // last, because its threads use the members above
};

}  // namespace incubate
