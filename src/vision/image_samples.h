#pragma once

#include <vector>

#include "data/sample_maker.h"
#include "vision/augmentation.h"
#include "vision/dataset.h"
#include "vision/image_batch.h"

namespace incubate {

/// Constants that turn pixels' values into a network's input.
struct Normalisation {
  std::vector<double> mean;  ///< per channel, in 0..1 of the largest value (255 or 65535)
  std::vector<double> std;
};

/// Returns the normalised number (value/most - mean) / std of every value 0 .. most = 255 or 65535: channels x 256 or
/// 65536.
std::vector<float> make_table(const Normalisation& normalisation, std::int64_t value_bytes);

/// How a network's images are made from those of a dataset.
struct ImageSettings {
  Normalisation normalisation;
  Augmentation augmentation = {};                     ///< of training images
  std::optional<EvaluationCrop> crop = std::nullopt;  ///< of validation images; by default they stay as they are
  std::uint64_t seed = 0;
  Phase phase = Phase::meta;
};

/// Returns the settings of `config` for `phase`. REQUIRES: validate(config) passed.
ImageSettings image_settings(const RunConfig& config, Phase phase);

/// Makes the images of a split with their labels; the batches are ImageBatches. Draws for a training image have the
/// address (seed, phase, epoch, position), draws for blending (seed, phase, epoch, step in epoch, micro-batch).
class ImageSamples final : public SampleMaker {
 public:
  /// Training images change at random, the others do not. Keeps a reference to `dataset`.
  ImageSamples(const Dataset& dataset, Split split, const ImageSettings& settings);

  std::int64_t num_samples() const override { return dataset_.num_images(); }
  /// Draws the erased parts, whose sizes tell how much memory to allocate, and the blend.
  std::unique_ptr<Batch> begin(const BatchPlace& place, std::span<const Sample> samples,
                               std::pmr::memory_resource* memory) const override;
  void make(Batch& batch, std::int64_t k, const Sample& sample) const override;

 private:
  const Dataset& dataset_;
  std::vector<float> table_;            // make_table()
  std::optional<Augmenter> augmenter_;  // of training images alone
  std::optional<EvaluationCrop> crop_;
  std::int64_t height_;  // of the images made
  std::int64_t width_;
};

}  // namespace incubate
