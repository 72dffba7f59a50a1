#include "pack/pack_shard.h"

#include <cerrno>
#include <cstring>
#include <numeric>

#include <fcntl.h>
#include <unistd.h>

#include "base/check.h"
#include "vision/png.h"

namespace incubate {
namespace {

/// Appends up to `length` bytes of an open file, fewer at its end. Returns their number; -1 on an error.
ssize_t read_some(int descriptor, std::vector<std::uint8_t>& bytes, std::size_t length) {
  const std::size_t begin = bytes.size();
  bytes.resize(begin + length);
  ssize_t count = -1;
  do {
    count = ::read(descriptor, bytes.data() + begin, length);
  } while (count < 0 && errno == EINTR);
  bytes.resize(begin + std::max<ssize_t>(0, count));
  return count;
}

/// Returns a file's bytes, `listed.offset` of `path` on. A file of its own must end there, and an archive be unchanged.
std::vector<std::uint8_t> read_file(const std::filesystem::path& path, const SourceFile& listed) {
  const bool is_whole = listed.offset == 0;
  check_input(is_whole || look_at(path).modified_ns == listed.modified_ns,
              "{} was changed after it was listed. Start again when nothing changes it.", path.string());
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  check_input(descriptor >= 0, "{} cannot be read: {}. Mend it or take it away, and start again.", path.string(),
              std::strerror(errno));
  const std::size_t wanted = listed.bytes + (is_whole ? 1 : 0);  // one more, to see whether the file has grown
  std::vector<std::uint8_t> bytes;
  bytes.reserve(wanted);
  ssize_t count = is_whole ? 1 : ::lseek(descriptor, listed.offset, SEEK_SET);
  while (count > 0 && bytes.size() < wanted) count = read_some(descriptor, bytes, wanted - bytes.size());
  const int reason = errno;
  ::close(descriptor);
  check_input(count >= 0, "{} cannot be read: {}. Mend it or take it away, and start again.", path.string(),
              std::strerror(reason));
  check_input(static_cast<std::int64_t>(bytes.size()) == listed.bytes,
              "{} had {} bytes when the folder was listed and has others now. Start again when nothing changes it.",
              path.string(), listed.bytes);
  return bytes;
}

void append_image(const PackedImage& image, const SourceFile& file, ImageShard& shard,
                  std::vector<std::uint8_t>& bytes) {
  shard.has_png |= is_png(image.bytes);
  shard.table.offsets.push_back(bytes.size());
  shard.table.lengths.push_back(image.bytes.size());
  shard.table.labels.push_back(file.label);
  shard.table.heights.push_back(static_cast<std::int32_t>(image.height));
  shard.table.widths.push_back(static_cast<std::int32_t>(image.width));
  shard.table.checksums.push_back(image_checksum(image.bytes));
  shard.sums.add(image.sums);
  shard.files.push_back(file.name);
  bytes.insert(bytes.end(), image.bytes.begin(), image.bytes.end());
}

}  // namespace

std::vector<std::uint8_t> pack_files(const ShardSource& source, const EncodingOptions& options, ImageShard& shard,
                                     const std::function<void(std::int64_t bytes)>& after_file) {
  std::vector<std::uint8_t> bytes;
  if (!options.shorter_side) {  // the size is known, unless images are left out
    bytes.reserve(std::accumulate(source.files.begin(), source.files.end(), std::size_t{0},
                                  [](std::size_t sum, const SourceFile& file) { return sum + file.bytes; }));
  }
  for (const SourceFile& file : source.files) {
    const std::string place = source.split_name + "/" + file.name;
    const std::vector<std::uint8_t> content = read_file(place_of(file, source.parts[file.part]), file);
    try {
      const PackedImage image = pack_image(file.name, content, options);
      append_image(image, file, shard, bytes);
      if (!image.remark.empty()) {
        shard.problems.push_back({.kind = PackProblem::Kind::misnamed, .file = place, .reason = image.remark});
      }
    } catch (const ImageError& error) {
      shard.problems.push_back({.kind = PackProblem::Kind::left_out, .file = place, .reason = error.what()});
    }
    after_file(file.bytes);
  }
  return bytes;
}

PackedSize measure_files(const ShardSource& source, const EncodingOptions& options) {
  ImageShard shard;
  const std::vector<std::uint8_t> bytes = pack_files(source, options, shard, [](std::int64_t) {});
  return {.bytes = static_cast<std::int64_t>(bytes.size()), .images = static_cast<std::int64_t>(shard.table.size())};
}

}  // namespace incubate
