#pragma once

#include <array>
#include <string_view>

#include "base/random.h"
#include "config/rand_augment_policy.h"
#include "vision/affine.h"
#include "vision/image.h"

namespace incubate {

/// RandAugment's operations (Cubuk et al. 2019, arXiv 1909.13719), in timm's order. Drawn by number: never reorder.
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

/// One drawn operation.
struct AugmentStep {
  Operation operation = Operation::auto_contrast;
  bool is_applied = false;
  double magnitude = 0;      ///< 0 .. 10
  bool is_negative = false;  ///< turns, shears, shifts or weakens in the opposite direction
};

/// Draws policy.num_operations independent steps. Every step takes the same number of draws, applied or not.
std::vector<AugmentStep> draw_rand_augment(Generator& generator, const RandAugmentPolicy& policy);

/// Returns the image after `step`, whatever step.is_applied says. Magnitudes are timm's. Their maxima: 30 degrees, a
/// shear of 0.3, a shift of 0.45 of the size, 4 bits less, a threshold 256 lower, a factor 0.9 away. Without
/// Severity::increasing, posterize and solarize go the other way, and factors run from 0.1 to 1.9.
Image apply_step(const Image& image, const AugmentStep& step, Severity severity, const Fill& fill);

/// Returns the image after all applied steps.
Image rand_augment(const Image& image, const std::vector<AugmentStep>& steps, Severity severity, const Fill& fill);

}  // namespace incubate
