#include "hdf5/verified_file.h"

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <vector>

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

/// Length and digest of what follows the user block.
Content read_content(std::ifstream& file) {
  file.seekg(kUserBlockBytes);
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(), XXH3_freeState);
  XXH3_64bits_reset(state.get());
  Content content;
  std::vector<char> buffer(std::size_t{1} << 20);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0) {
    XXH3_64bits_update(state.get(), buffer.data(), file.gcount());
    content.length += file.gcount();
  }
  content.digest = XXH3_64bits_digest(state.get());
  return content;
}

UserBlock read_user_block(std::ifstream& file, const FilePath& path) {
  UserBlock block;
  file.read(reinterpret_cast<char*>(&block), sizeof(block));
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
        const Content content = read_content(written);
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
  std::ifstream file = open_input_file(path);
  const UserBlock block = read_user_block(file, path);
  const Content content = read_content(file);
  check_input<DamagedFileError>(
      content.length == block.length,
      "{} has {} bytes after its first block but states {}: it is truncated or not completely copied. "
      "Make or copy it again.",
      path.string(), content.length, block.length);
  check_input<DamagedFileError>(
      content.digest == block.digest && block.zeros == UserBlock{}.zeros,
      "{} is damaged: its content has the checksum {:016x} but states {:016x}. Make or copy it again.", path.string(),
      content.digest, block.digest);
}

std::string stated_digest(const FilePath& path) {
  std::ifstream file = open_input_file(path);
  return fmt::format("{:016x}", read_user_block(file, path).digest);
}

}  // namespace incubate
