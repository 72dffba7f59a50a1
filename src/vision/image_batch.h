#pragma once

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <vector>

#include "data/sample_maker.h"
#include "vision/mixup.h"

namespace incubate {

/// Images of one size as integers, with the data to normalise, erase and blend them, in this order, where the network
/// computes (finish_images()): bytes reach a GPU four times as fast as floats.
struct ImageBatch final : Batch {
  ImageBatch(std::int64_t its_size, std::pmr::memory_resource* memory)
      : Batch(its_size), bytes(memory), labels(memory), table(memory), erased(memory), noise(memory) {}

  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
  std::int64_t value_bytes = 1;          ///< 2: 16-bit values in this host's byte order
  std::pmr::vector<std::uint8_t> bytes;  ///< of size x height x width x channels values
  std::pmr::vector<std::int64_t> labels;
  std::pmr::vector<float> table;           ///< normalised number of every value: channels x 256 or 65536
  std::pmr::vector<std::int64_t> erased;   ///< pixels to erase, counted row by row through all images
  std::pmr::vector<float> noise;           ///< their values: pixels x channels
  std::vector<std::int64_t> first_erased;  ///< each image's first entry of `erased`, and the end
  std::optional<Mixing> mixing;            ///< how to blend images and labels
};

}  // namespace incubate
