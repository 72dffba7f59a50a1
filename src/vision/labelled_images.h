#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace incubate {

/// A split's images in memory: images x height x width x channels values of 8 or 16 bits.
struct LabelledImages {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
  std::int64_t value_bytes = 1;
  std::vector<std::uint8_t> bytes;  ///< of all values, in this host's byte order
  std::vector<std::int64_t> labels;

  std::int64_t image_bytes() const { return height * width * channels * value_bytes; }
};

/// Throws InputError naming the first label outside [0, num_classes).
void check_labels(std::span<const std::int64_t> labels, std::int64_t num_classes, const std::string& origin);

/// Returns the indices that take_subset() keeps for images with these labels, ascending.
std::vector<std::int64_t> choose_subset(std::span<const std::int64_t> labels, double share);

/// Images' indices, ascending, that a training split keeps, and that become its validation split.
struct SplitIndices {
  std::vector<std::int64_t> kept;
  std::vector<std::int64_t> validation;
};
/// Chooses the given share of each class's images for validation, rounded, but one at least and never all. The choice
/// is random, but always the same for a seed. Throws InputError if a class has one image; `names` are those of classes.
SplitIndices choose_validation(std::span<const std::int64_t> labels, double share, std::int64_t seed,
                               const std::vector<std::string>& names);

/// Returns the images with these indices.
LabelledImages take_images(const LabelledImages& all, std::span<const std::int64_t> indices);
/// Returns the given share of each class's images, rounded, at least one, in their order. The choice is random but
/// always the same, and a smaller share is part of a larger one.
LabelledImages take_subset(const LabelledImages& all, double share);

}  // namespace incubate
