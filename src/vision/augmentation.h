#pragma once

#include <array>
#include <optional>

#include "base/random.h"
#include "config/rand_augment_policy.h"
#include "config/run_config.h"
#include "data/sampler.h"
#include "vision/affine.h"
#include "vision/crops.h"
#include "vision/image_source.h"
#include "vision/mixup.h"

namespace incubate {

/// Which part of an image a resized crop takes, and its size afterwards.
struct ResizedCrop {
  std::int64_t side = 0;                    ///< height and width of the result, in pixels
  std::array<double, 2> scale = {0.08, 1};  ///< smallest and largest share of the area
};

/// Random changes of training images. By default there are none.
struct Augmentation {
  std::int64_t crop_padding = 0;  ///< pixels; without effect under a resized crop
  bool flip = false;
  std::optional<ResizedCrop> resized_crop = std::nullopt;
  double color_jitter = 0;  ///< strength; without effect under RandAugment
  std::optional<RandAugmentPolicy> rand_augment = std::nullopt;
  double random_erasing = 0;  ///< probability
  MixupOptions mixup = {};    ///< blends the images of a micro-batch, after all changes above
};

/// Returns the settings of `config` for `phase`. REQUIRES: validate(config) passed.
Augmentation make_augmentation(const RunConfig& config, Phase phase);

/// Returns how to evaluate images for a network trained in `phase`; nothing unless that phase resizes its images.
std::optional<EvaluationCrop> make_evaluation_crop(const RunConfig& config, Phase phase);

/// The part of an image to erase, if any, and the generator of its noise.
struct Erasing {
  std::optional<Box> box;
  Generator generator;
};

/// Makes training samples of images. Every kind of change draws from its own address below (seed, phase, epoch,
/// position), so settings do not shift each other's numbers.
class Augmenter {
 public:
  /// `mean` is the normalisation's, per channel: the colour that fills gaps.
  Augmenter(const Augmentation& augmentation, const std::vector<double>& mean, std::uint64_t seed, Phase phase);

  /// Returns the image cut or resized, mirrored, then changed by colour jitter or RandAugment.
  Image augment(const ImageSource& image, const Sample& sample) const;
  /// Returns which part to erase of an augmented image of height x width pixels.
  Erasing draw_erasing(const Sample& sample, std::int64_t height, std::int64_t width) const;
  /// Returns how to blend the images of a micro-batch; nothing if they stay apart.
  std::optional<Mixing> draw_mixing(const BatchPlace& place, std::int64_t height, std::int64_t width) const;

 private:
  enum class Part : std::uint64_t { resized_crop = 1, color_jitter = 2, rand_augment = 3, erasing = 4 };
  Generator generator_of(Part part, const Sample& sample) const;
  Image cut(const ImageSource& image, const Sample& sample) const;

  Augmentation augmentation_;
  Fill fill_;
  std::uint64_t seed_;
  std::uint64_t phase_;
};

}  // namespace incubate
