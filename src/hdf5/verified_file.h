#pragma once

#include <functional>
#include <set>

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

/// The content of a file cannot be had: no permission, a failing disk, damage.
class UnreadableFileError : public InputError {
 public:
  using InputError::InputError;
};

/// A file that is truncated or whose content is not what was written.
class DamagedFileError : public UnreadableFileError {
 public:
  using UnreadableFileError::UnreadableFileError;
};

/// Reads the whole file once. Throws InputError if it is missing or another program is changing it; UnreadableFileError
/// if it cannot be read; DamagedFileError if it is not ours, truncated or damaged.
void verify_file(const FilePath& path);

/// Paths of files that have passed verify_file(), on any rank.
using VerifiedFiles = std::set<FilePath>;
/// Verifies the file and adds it to `verified`, unless it is there already. Throws as verify_file().
void verify_once(const FilePath& path, VerifiedFiles& verified);

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
