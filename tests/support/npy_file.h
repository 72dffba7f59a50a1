#pragma once

#include <string>

namespace incubate {

/// Returns the bytes of an NPY file (numpy.lib.format) of version 1.0 or `version`.0.
inline std::string npy_bytes(const std::string& header, const std::string& data, char version = 1) {
  std::string bytes = std::string("\x93NUMPY") + version + '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) bytes += static_cast<char>(header.size() >> (8 * i));
  return bytes + header + data;
}

/// Returns a header as numpy.save() writes it.
inline std::string npy_header(const std::string& type, const std::string& shape) {
  return "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }   \n";
}

}  // namespace incubate
