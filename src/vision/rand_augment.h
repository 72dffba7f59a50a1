#pragma once

#include <array>
#include <string_view>

#include "base/random.h"
#include "config/rand_augment_policy.h"
#include "vision/affine.h"
#include "vision/image.h"

namespace incubate {

/// What RandAugment chooses from (Cubuk et al. 2019, arXiv 1909.13719), in timm's order. Drawn by number: never
/// reorder.
enum class Operation {
  auto_contrast,
  equalize,
  invert,
  rotate,
  posterize,
  solarize,
  solarize_add,
  color,
  contrast,
  brightness,
  sharpness,
  shear_x,
  shear_y,
  translate_x,
  translate_y
};
inline constexpr std::uint32_t kNumOperations = 15;

/// One operation as drawn.
struct AugmentStep {
  Operation operation = Operation::auto_contrast;
  bool is_applied = false;
  double magnitude = 0;      ///< 0 .. 10
  bool is_negative = false;  ///< turns, shears, shifts or weakens the other way
};

/// policy.num_operations independent steps. Every step takes the same number of draws, applied or not.
std::vector<AugmentStep> draw_rand_augment(Generator& generator, const RandAugmentPolicy& policy);

/// The image after `step`, applied whatever step.is_applied says. What a magnitude means to each operation is timm's:
/// up to 30 degrees, a shear of 0.3, a shift of 0.45 of the size, 4 bits less, a threshold lower by 256, a factor
/// changed by 0.9. Where the policy is not `increasing`, posterize, solarize and the factors go the other way or from
/// 0.1 to 1.9.
Image apply_step(const Image& image, const AugmentStep& step, Severity severity, const Fill& fill);

/// The image after all steps that are applied.
Image rand_augment(const Image& image, const std::vector<AugmentStep>& steps, Severity severity, const Fill& fill);

}  // namespace incubate
