#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace incubate {

/// An array of bytes in MNIST's IDX format: two zero bytes, type 0x08, the number of dimensions, each extent as a
/// big-endian 32-bit integer, then the bytes.
struct IdxArray {
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> bytes;
};

/// Reads an IDX file, gzip'ed or not. Throws InputError if it is missing, of another type, truncated or too long.
IdxArray read_idx(const std::filesystem::path& path, int num_dimensions);

}  // namespace incubate
