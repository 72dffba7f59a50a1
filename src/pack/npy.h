#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace incubate {

/// An array as a file of another program has it.
struct SourceArray {
  std::string name;                 ///< of the file (and dataset), for messages
  std::string type;                 ///< of a value, in NumPy's letters: "|u1", ">u2", "<i8", "<f4"
  std::vector<std::int64_t> shape;  ///< the last index varies fastest, unless `is_fortran`
  bool is_fortran = false;
  std::vector<std::uint8_t> bytes;  ///< all values, in the file's byte order; none of types that are no numbers

  std::int64_t num_values() const;
  /// Returns the bytes of a value of `type`; 0 if it is neither an integer nor a floating-point number.
  std::int64_t value_bytes() const;
};

/// Reads a file of numpy.save(), of version 1.0, 2.0 or 3.0. Throws InputError if it is missing, of another format,
/// truncated or too long.
SourceArray read_npy(const std::filesystem::path& path);

}  // namespace incubate
