#pragma once

#include "base/random.h"
#include "vision/affine.h"
#include "vision/augmentation.h"
#include "vision/image_source.h"
#include "vision/normalisation.h"

namespace incubate {

/// Which part of an image is erased, if any, and what draws the noise there.
struct Erasing {
  std::optional<Box> box;
  Generator generator;
};

/// Makes of an image what a network trains on. Every kind of change draws from an address of its own below (seed,
/// phase, epoch, position), so that settings do not shift each other's numbers.
class Augmenter {
 public:
  Augmenter(const Augmentation& augmentation, const Normalisation& normalisation, std::uint64_t seed, Phase phase);

  /// Cut or resized, mirrored, then changed in colour or by RandAugment.
  Image augment(const ImageSource& image, std::int64_t epoch, std::int64_t position) const;
  /// Of the above, which is height x width.
  Erasing draw_erasing(std::int64_t epoch, std::int64_t position, std::int64_t height, std::int64_t width) const;
  /// The normalised planes of the above, a part of them erased.
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
