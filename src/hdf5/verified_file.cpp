#include "hdf5/verified_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <span>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/input_file.h"

namespace incubate {
namespace {

static_assert(std::endian::native == std::endian::little, "the user block is little-endian");

struct UserBlock {
  std::array<char, 8> magic = {'I', 'N', 'C', 'U', 'B', 'A', 'T', 'E'};
  std::uint64_t version = 1;
  std::uint64_t length = 0;
  std::uint64_t digest = 0;
  std::array<char, kUserBlockBytes - 32> zeros{};
};
static_assert(sizeof(UserBlock) == kUserBlockBytes);

struct Content {
  std::uint64_t length = 0;
  std::uint64_t digest = 0;
};

/// Throws if the last read failed for another reason than the end of the file.
void check_read(const std::ifstream& file, const FilePath& path) {
  check_input<UnreadableFileError>(!file.bad(), "{} cannot be read: {}. Check the disk, or copy it again.",
                                   path.string(), std::strerror(errno));
}

/// Returns length and digest of the bytes after the user block.
Content read_content(std::ifstream& file, const FilePath& path) {
  file.seekg(kUserBlockBytes);
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(), XXH3_freeState);
  XXH3_64bits_reset(state.get());
  Content content;
  std::vector<char> buffer(std::size_t{1} << 20);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0) {
    XXH3_64bits_update(state.get(), buffer.data(), file.gcount());
    content.length += file.gcount();
  }
  check_read(file, path);
  content.digest = XXH3_64bits_digest(state.get());
  return content;
}

std::ifstream open_to_read(const FilePath& path) {
  try {
    return open_input_file(path);
  } catch (const InputError& error) {
    throw UnreadableFileError(error.what());
  }
}

UserBlock read_user_block(std::ifstream& file, const FilePath& path) {
  UserBlock block;
  file.read(reinterpret_cast<char*>(&block), sizeof(block));
  check_read(file, path);
  check_input<DamagedFileError>(
      file.gcount() == sizeof(block),
      "{} is truncated: it has {} bytes, fewer than its first block of {}. Make or copy it again.", path.string(),
      file.gcount(), kUserBlockBytes);
  check_input<DamagedFileError>(block.magic == UserBlock{}.magic,
                                "{} is not a file of this program (it does not begin with INCUBATE). Check the path.",
                                path.string());
  check_input(block.version == 1, "{} has a first block of version {}; this program knows version 1. Use a newer one.",
              path.string(), block.version);
  return block;
}

/// Returns whether another program has the file open for writing, judged by HDF5's file lock (as by h5py's mode "r+").
bool is_written_elsewhere(const FilePath& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool is_locked = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(descriptor);
  return is_locked;
}

}  // namespace

void write_verified_file(const FilePath& path, const std::function<void(Hdf5File&)>& fill,
                         const std::function<void()>& before_rename) {
  replace_atomically(
      path,
      [&](const FilePath& temporary) {
        Hdf5File file = Hdf5File::create(temporary, kUserBlockBytes);
        fill(file);
        file.close();
        std::ifstream written(temporary, std::ios::binary);
        const Content content = read_content(written, temporary);
        UserBlock block;
        block.length = content.length;
        block.digest = content.digest;
        std::fstream stamped(temporary, std::ios::binary | std::ios::in | std::ios::out);
        stamped.write(reinterpret_cast<const char*>(&block), sizeof(block));
        stamped.flush();
        check_running(stamped.good(), "cannot write {}: {}", path.string(), std::strerror(errno));
      },
      before_rename);
}

void verify_file(const FilePath& path) {
  std::ifstream file = open_to_read(path);
  const UserBlock block = read_user_block(file, path);
  const Content content = read_content(file, path);
  const bool is_intact =
      content.length == block.length && content.digest == block.digest && block.zeros == UserBlock{}.zeros;
  if (is_intact) return;
  check_input(!is_written_elsewhere(path),
              "{} is held open by another program, which is changing it. Close it there, and start again.",
              path.string());
  check_input<DamagedFileError>(
      content.length == block.length,
      "{} has {} bytes after its first block but states {}: it is truncated or not completely copied. "
      "Make or copy it again.",
      path.string(), content.length, block.length);
  throw DamagedFileError(
      fmt::format("{} is damaged: its content has the checksum {:016x} but states {:016x}. Make or copy it again.",
                  path.string(), content.digest, block.digest));
}

void verify_once(const FilePath& path, VerifiedFiles& verified) {
  if (verified.contains(path)) return;
  verify_file(path);
  verified.insert(path);
}

void check_replaceable(const FilePath& output, const std::vector<std::string>& filetypes) {
  std::error_code ignored;
  if (!std::filesystem::exists(output, ignored)) return;
  std::array<char, kUserBlockBytes> begin{};
  std::ifstream file = open_to_read(output);
  file.read(begin.data(), begin.size());
  if (std::ranges::count(begin, '\0') == std::ssize(begin)) return;  // as a crash of the machine leaves it
  std::string found = "no file of this program";
  try {
    if (std::ranges::equal(UserBlock{}.magic, std::span(begin).first(UserBlock{}.magic.size()))) {
      found = "of type '" +
              read_verified_file(output, [](const Hdf5File& f) { return f.read_string_attribute("filetype"); }) + "'";
    }
  } catch (const DamagedFileError&) {
    return;
  }
  check_input(
      std::ranges::any_of(filetypes, [&](const std::string& type) { return found == "of type '" + type + "'"; }),
      "{} would be replaced by a file of type '{}', but is {}. Choose another --output, or remove that file.",
      output.string(), filetypes.front(), found);
}

std::string identify_file(const FilePath& path) {
  struct stat s {};
  if (::stat(path.c_str(), &s) != 0) return "";
  // Times too: numbers of local disks may be the same on nodes that were installed alike. No number of the device: each
  // node gives a file system of the network its own.
  return fmt::format("{} {} {} {} {} {}", s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec, s.st_ctim.tv_sec,
                     s.st_ctim.tv_nsec);
}

std::string stated_digest(const FilePath& path) {
  std::ifstream file = open_to_read(path);
  return fmt::format("{:016x}", read_user_block(file, path).digest);
}

}  // namespace incubate
