#pragma once

#include <cstdint>
#include <memory_resource>
#include <vector>

#include "vision/mixup.h"
#include "vision/normalisation.h"

namespace incubate {

/// Images of a batch as bytes, with what it takes to normalise, erase and blend them, in this order: for a device that
/// does so by itself (to_tensors()), since bytes travel there four times as fast as the numbers that they become.
struct RawImages {
  explicit RawImages(std::pmr::memory_resource* memory = std::pmr::get_default_resource())
      : bytes(memory), table(memory), erased(memory), noise(memory) {}

  std::pmr::vector<std::uint8_t> bytes;  ///< size x height x width x channels
  std::pmr::vector<float> table;         ///< the normalised value of every byte: channels x 256
  /// The pixels that are erased, counted row by row through all images, and the noise there: pixels x channels.
  std::pmr::vector<std::int64_t> erased;
  std::pmr::vector<float> noise;
  Mixing mixing = {};  ///< if images are blended

  /// Claims all memory. `num_bytes`: of all images. `num_erased`: pixels.
  void prepare(std::int64_t num_bytes, const NormalisationTable& normalisation, std::int64_t num_erased);
  /// REQUIRES: all images are of one size; prepare(). May be called for several images at the same time.
  void write_image(std::int64_t k, const Image& image);
  /// Has `box` of image k, which is height x width, erased; its pixels stand in `erased` from `first` on. As above.
  void write_erased(std::int64_t k, std::int64_t height, std::int64_t width, const Box& box, Generator generator,
                    std::int64_t first);
};

}  // namespace incubate
