#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/check.h"
#include "hdf5/atomic_file.h"
#include "hdf5/file.h"

namespace incubate {

/// Our files begin with an HDF5 user block of 512 bytes, little-endian:
///   0  char[8]  "INCUBATE"
///   8  uint64   version of this block, 1
///   16 uint64   length of the rest of the file, in bytes
///   24 uint64   XXH3 (64 bits) of the rest
///   32 zeros
/// Every reader checks the block first, so that no damaged byte reaches the HDF5 library.
inline constexpr std::size_t kUserBlockBytes = 512;

/// Writes a verified file atomically (see replace_atomically). `fill` writes the content.
void write_verified_file(const FilePath& path, const std::function<void(Hdf5File&)>& fill,
                         const std::function<void()>& before_rename = {});

/// A file's content cannot be read: no permission, a failing disk, or damage.
class UnreadableFileError : public InputError {
 public:
  using InputError::InputError;
};

/// A file is truncated, or its content is not what was written.
class DamagedFileError : public UnreadableFileError {
 public:
  using UnreadableFileError::UnreadableFileError;
};

/// Reads the whole file once and compares it with the user block. Throws InputError if it is missing or another program
/// is changing it. Throws UnreadableFileError if it cannot be read; DamagedFileError if it is not ours or damaged.
void verify_file(const FilePath& path);

/// Paths of files that have passed verify_file() on any rank.
using VerifiedFiles = std::set<FilePath>;
/// Verifies the file and adds it to `verified`, unless it is there already. Throws as verify_file() does.
void verify_once(const FilePath& path, VerifiedFiles& verified);

/// Throws InputError if `output`, which --output names, exists and is not a file of one of these types. A damaged file
/// of this program, an empty one and one of zeros may be replaced.
void check_replaceable(const FilePath& output, const std::vector<std::string>& filetypes);

/// Opens the file and returns `read(file)`. Throws InputError if the content is not what `read` expects. REQUIRES:
/// verify_file(path) passed on any rank.
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

/// Verifies the file, then returns `read(file)`. Throws as verify_file() and read_intact_file() do.
template <typename Read>
auto read_verified_file(const FilePath& path, const Read& read) {
  verify_file(path);
  return read_intact_file(path, read);
}

/// Returns a text that tells the file from every other, and from what it was before a change, on any host that sees it;
/// empty if it cannot be seen.
std::string identify_file(const FilePath& path);

/// Returns the digest stated in the user block as 16 hexadecimal digits, without verifying it. Throws InputError if the
/// file is missing or not ours.
std::string stated_digest(const FilePath& path);

}  // namespace incubate
