#include "vision/rand_augment.h"

#include <algorithm>
#include <stdexcept>

#include "vision/colours.h"

namespace incubate {
namespace {

constexpr double kLargestMagnitude = 10;

/// Returns the factor of color, contrast, brightness or sharpness.
double enhancement(const AugmentStep& step, Severity severity) {
  const double share = step.magnitude / kLargestMagnitude;
  if (severity == Severity::of_the_operation) return (share * 1.8) + 0.1;
  return std::max(0.1, 1 + (step.is_negative ? -1 : 1) * share * 0.9);
}

}  // namespace

std::vector<AugmentStep> draw_rand_augment(Generator& generator, const RandAugmentPolicy& policy) {
  std::vector<AugmentStep> steps(policy.num_operations);
  for (AugmentStep& step : steps) {
    step.operation = static_cast<Operation>(generator.below(kNumOperations));
    step.is_applied = generator.uniform() < policy.probability;
    const double magnitude = policy.magnitude + (policy.magnitude_std * generator.normal());
    step.magnitude = std::clamp(magnitude, 0.0, kLargestMagnitude);
    step.is_negative = generator.uniform() < 0.5F;
  }
  return steps;
}

Image apply_step(const Image& image, const AugmentStep& step, Severity severity, const Fill& fill) {
  const double share = step.magnitude / kLargestMagnitude;
  const double signed_share = step.is_negative ? -share : share;
  const bool increases = severity == Severity::increasing;
  const int bits = static_cast<int>(share * 4);
  const int threshold = std::min(256, static_cast<int>(share * 256));
  switch (step.operation) {
    case Operation::auto_contrast:
      return auto_contrast(image);
    case Operation::equalize:
      return equalize(image);
    case Operation::invert:
      return invert(image);
    case Operation::rotate:
      return rotate(image, signed_share * 30, fill);
    case Operation::posterize:
      return posterize(image, increases ? 4 - bits : bits);
    case Operation::solarize:
      return solarize(image, increases ? 256 - threshold : threshold);
    case Operation::solarize_add:
      return solarize_add(image, std::min(128, static_cast<int>(share * 110)));
    case Operation::color:
      return adjust_color(image, enhancement(step, severity));
    case Operation::contrast:
      return adjust_contrast(image, enhancement(step, severity));
    case Operation::brightness:
      return adjust_brightness(image, enhancement(step, severity));
    case Operation::sharpness:
      return adjust_sharpness(image, enhancement(step, severity));
    case Operation::shear_x:
      return transform_affine(image, {1, signed_share * 0.3, 0, 0, 1, 0}, fill);
    case Operation::shear_y:
      return transform_affine(image, {1, 0, 0, signed_share * 0.3, 1, 0}, fill);
    case Operation::translate_x:
      return transform_affine(image, {1, 0, signed_share * 0.45 * static_cast<double>(image.width), 0, 1, 0}, fill);
    case Operation::translate_y:
      return transform_affine(image, {1, 0, 0, 0, 1, signed_share * 0.45 * static_cast<double>(image.height)}, fill);
  }
  throw std::logic_error("unknown operation");
}

Image rand_augment(const Image& image, const std::vector<AugmentStep>& steps, Severity severity, const Fill& fill) {
  Image out = image;
  for (const AugmentStep& step : steps) {
    if (step.is_applied) out = apply_step(out, step, severity, fill);
  }
  return out;
}

}  // namespace incubate
