#pragma once

#include <cstdint>
#include <memory_resource>
#include <vector>

#include "vision/mixup.h"
#include "vision/normalisation.h"

namespace incubate {

/// A batch's images as bytes, with the data to normalise, erase and blend them, in this order. A GPU does so itself
/// (Task::to_device()), because bytes reach it four times as fast as floats.
struct RawImages {
  explicit RawImages(std::pmr::memory_resource* memory = std::pmr::get_default_resource())
      : bytes(memory), table(memory), erased(memory), noise(memory) {}

  std::pmr::vector<std::uint8_t> bytes;  ///< size x height x width x channels
  std::pmr::vector<float> table;         ///< normalised value of every byte: channels x 256
  /// Pixels to erase, counted row by row through all images, and their noise: pixels x channels.
  std::pmr::vector<std::int64_t> erased;
  std::pmr::vector<float> noise;
  Mixing mixing = {};  ///< if images are blended

  /// Allocates all memory. `num_bytes` is of all images, `num_erased` counts pixels.
  void prepare(std::int64_t num_bytes, const NormalisationTable& normalisation, std::int64_t num_erased);
  /// Writes image k. Several threads may write different images. REQUIRES: all images have one size; prepare() was
  /// called.
  void write_image(std::int64_t k, const Image& image);
  /// Marks `box` of image k (height x width) in the entries of `erased` from `first` on, and draws its noise.
  void write_erased(std::int64_t k, std::int64_t height, std::int64_t width, const Box& box, Generator generator,
                    std::int64_t first);
};

}  // namespace incubate
