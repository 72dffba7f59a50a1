#pragma once

#include <functional>

#include "base/check.h"
#include "hdf5/atomic_file.h"
#include "hdf5/file.h"

namespace incubate {

/// Files of ours begin with an HDF5 user block of 512 bytes, little-endian:
///   0  char[8]  "INCUBATE"
///   8  uint64   version of this block, 1
///   16 uint64   length of the rest of the file, in bytes
///   24 uint64   XXH3 (64 bits) of the rest
///   32 zeros
/// It is checked before HDF5 opens the file, so that no damaged byte ever reaches the library.
inline constexpr std::size_t kUserBlockBytes = 512;

/// Writes a verified file atomically (see replace_atomically): `fill` writes its content.
void write_verified_file(const FilePath& path, const std::function<void(Hdf5File&)>& fill,
                         const std::function<void()>& before_rename = {});

/// A file that is truncated or whose content is not what was written.
class DamagedFileError : public InputError {
 public:
  using InputError::InputError;
};

/// Reads the whole file once. Throws InputError if it is missing; DamagedFileError if it is not ours, truncated or
/// damaged.
void verify_file(const FilePath& path);

/// Opens the file and returns what `read(file)` makes of it. Throws InputError if the content is not what `read` asks
/// for. REQUIRES: verify_file(path) passed, on any rank.
template <typename Read>
auto read_intact_file(const FilePath& path, const Read& read) {
  try {
    return read(Hdf5File::open(path));
  } catch (const InputError&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw InputError(fmt::format("{}: {}. It is intact but not what this program writes. Make or copy it again.",
                                 path.string(), error.what()));
  }
}

/// Verifies the file first. Throws as verify_file() too.
template <typename Read>
auto read_verified_file(const FilePath& path, const Read& read) {
  verify_file(path);
  return read_intact_file(path, read);
}

/// The digest that the user block states, as 16 hexadecimal digits: a name for the file's content. Does not verify it.
/// Throws InputError if the file is missing or not ours.
std::string stated_digest(const FilePath& path);

}  // namespace incubate
