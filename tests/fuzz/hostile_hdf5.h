#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <hdf5.h>

#include "fuzz/byte_source.h"

namespace incubate {

/// An array that a reader expects, or an attribute of the root if its name does not begin with '/'.
struct Expected {
  std::string name;
  enum class Type { text, integer, natural, real, single, bytes } type;  // natural: uint64
  std::vector<hsize_t> shape;                                            // {}: one value
  std::vector<std::string> texts;                                        // of text, one a value
  std::vector<std::int64_t> values;  // of numbers, repeated as often as is needed; those of natural ones as their bits
};

/// Makes `path` a file of this program whose first block fits and whose content HDF5 wrote. The content is `expected`,
/// changed by `source`'s choices: missing or additional items, other types, shapes, layouts and values, arrays without
/// storage, links elsewhere or to themselves. Choices of 0 change nothing.
void write_hostile_hdf5(const std::string& path, const std::vector<Expected>& expected, ByteSource& source);

}  // namespace incubate
