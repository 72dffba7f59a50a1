#pragma once

#include <cstdint>
#include <span>

#include <zlib.h>

#include "vision/png.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace incubate {

/// Corrects the checksum of each part of a PNG file; otherwise most changed files would end there.
inline void mend_png(std::span<std::uint8_t> file) {
  if (!is_png(file)) return;
  constexpr std::size_t kNumber = 4;  // bytes of a length, a kind and a checksum
  const auto read = [](std::span<const std::uint8_t> bytes) {
    return (std::size_t{bytes[0]} << 24) | (std::size_t{bytes[1]} << 16) | (std::size_t{bytes[2]} << 8) | bytes[3];
  };
  std::span<std::uint8_t> rest = file.subspan(8);
  while (rest.size() >= 3 * kNumber) {
    const std::size_t length = read(rest);
    if (length > rest.size() - (3 * kNumber)) return;
    const uLong checksum = crc32(0, rest.data() + kNumber, static_cast<uInt>(kNumber + length));
    const auto place = rest.subspan((2 * kNumber) + length, kNumber);
    for (std::size_t i = 0; i < kNumber; ++i) place[i] = static_cast<std::uint8_t>(checksum >> (24 - (8 * i)));
    rest = rest.subspan((3 * kNumber) + length);
  }
}

/// Changes any bytes. Three of four times it corrects the result's checksums, if it is a PNG file.
inline std::size_t mutate_png(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  const std::size_t changed = LLVMFuzzerMutate(data, size, most);
  if (seed % 4 != 0) mend_png({data, changed});
  return changed;
}

}  // namespace incubate
