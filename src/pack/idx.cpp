#include "pack/idx.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>

#include <zlib.h>

#include "base/check.h"
#include "base/input_file.h"

namespace incubate {
namespace {

constexpr std::int64_t kMostIdxBytes = std::int64_t{16} << 30;

/// Reads up to `size` bytes; fewer only at the end of the file.
std::int64_t read_bytes(gzFile file, std::uint8_t* bytes, std::int64_t size, const std::string& path) {
  std::int64_t done = 0;
  while (done < size) {
    const auto piece = static_cast<unsigned>(std::min<std::int64_t>(size - done, std::int64_t{1} << 20));
    const int count = gzread(file, bytes + done, piece);
    int code = Z_OK;
    const char* reason = gzerror(file, &code);
    // The caller reports a truncated gzip stream, because it knows how many bytes to expect.
    check_input(count >= 0 || code == Z_BUF_ERROR, "{} is damaged: {}. Get or copy it again.", path, reason);
    if (count <= 0) break;
    done += count;
  }
  return done;
}

}  // namespace

IdxArray read_idx(const std::filesystem::path& path, int num_dimensions) {
  const std::string name = path.string();
  open_input_file(path);  // zlib reads a folder as an empty file
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(name.c_str(), "rb"), gzclose);
  const int reason = errno;
  check_running(file != nullptr, "cannot open {}: {}", name, std::strerror(reason));

  std::array<std::uint8_t, 4> magic{};
  const std::int64_t magic_size = read_bytes(file.get(), magic.data(), magic.size(), name);
  check_input(magic_size == 4 && magic[0] == 0 && magic[1] == 0 && magic[2] == 0x08 && magic[3] == num_dimensions,
              "{} begins with {:02x}{:02x}{:02x}{:02x}, not 000008{:02x} (IDX bytes of {} dimensions). "
              "Check that the file is the right one.",
              name, magic[0], magic[1], magic[2], magic[3], num_dimensions, num_dimensions);

  IdxArray array;
  std::int64_t size = 1;
  for (int i = 0; i < num_dimensions; ++i) {
    std::array<std::uint8_t, 4> word{};
    check_input(read_bytes(file.get(), word.data(), word.size(), name) == 4,
                "{} is truncated: its header ends early. Get or copy it again.", name);
    const std::int64_t extent = (std::int64_t{word[0]} << 24) | (word[1] << 16) | (word[2] << 8) | word[3];
    array.shape.push_back(extent);
    check_input(extent > 0 && size <= kMostIdxBytes / extent, "{} states an impossible extent of {}. Get it again.",
                name, extent);
    size *= extent;
  }
  // Grows as bytes arrive, so that a false header cannot allocate memory.
  std::int64_t done = 0;
  while (done < size) {
    const std::int64_t piece = std::min(size - done, std::int64_t{1} << 24);
    array.bytes.resize(done + piece);
    const std::int64_t count = read_bytes(file.get(), array.bytes.data() + done, piece, name);
    done += count;
    check_input(count == piece, "{} is truncated: it has {} bytes of data, its header states {}. Get or copy it again.",
                name, done, size);
  }
  std::uint8_t extra = 0;
  check_input(read_bytes(file.get(), &extra, 1, name) == 0,
              "{} is longer than the {} bytes of data its header states. Get or copy it again.", name, size);
  return array;
}

}  // namespace incubate
