#pragma once

#include "base/random.h"
#include "vision/affine.h"
#include "vision/augmentation.h"
#include "vision/image_source.h"
#include "vision/normalisation.h"

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
  Augmenter(const Augmentation& augmentation, const Normalisation& normalisation, std::uint64_t seed, Phase phase);

  /// Returns the image cut or resized, mirrored, then changed by colour jitter or RandAugment.
  Image augment(const ImageSource& image, std::int64_t epoch, std::int64_t position) const;
  /// Returns which part to erase of an augmented image of height x width pixels.
  Erasing draw_erasing(std::int64_t epoch, std::int64_t position, std::int64_t height, std::int64_t width) const;
  /// Writes the normalised planes of augment() (channels x height x width), with draw_erasing() applied.
  void write_planes(const ImageSource& image, std::int64_t epoch, std::int64_t position, std::span<float> planes) const;
  const NormalisationTable& table() const { return table_; }

 private:
  enum class Part : std::uint64_t { resized_crop = 1, color_jitter = 2, rand_augment = 3, erasing = 4 };
  Generator generator_of(Part part, std::int64_t epoch, std::int64_t position) const;
  Image cut(const ImageSource& image, std::int64_t epoch, std::int64_t position) const;

  Augmentation augmentation_;
  NormalisationTable table_;
  Fill fill_;
  std::uint64_t seed_;
  std::uint64_t phase_;
};

}  // namespace incubate
