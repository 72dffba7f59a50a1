#pragma once

#include "base/random.h"
#include "data/sampler.h"
#include "vision/affine.h"
#include "vision/augmentation.h"
#include "vision/image_source.h"

namespace incubate {

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
