#include "vision/encoded_image_set.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

namespace incubate {

/// A shard's file, opened by the first read.
struct EncodedImageSet::Shard {
  explicit Shard(FilePath file) : path(std::move(file)) {}
  ~Shard() {
    if (descriptor >= 0) ::close(descriptor);
  }
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  FilePath path;
  std::mutex opening;
  int descriptor = -1;
  std::uint64_t length = 0;  // in bytes, when the file was opened
};

DamagedImageError::DamagedImageError(const FilePath& shard, std::int64_t image, const std::string& what_is_wrong)
    : DamagedSampleError(fmt::format(
          "{}: image {} of it is damaged: {}. Copy the shard again, or run the same 'incubate pack' again, which makes "
          "damaged shards anew.",
          shard.string(), image, what_is_wrong)),
      shard_(shard),
      image_(image) {}

EncodedImageSet::EncodedImageSet(const FilePath& index, Split split, const FilePath& shards)
    : EncodedImageSet(index, read_image_set(index), split, shards) {
  for (std::size_t i = 0; i < shards_.size(); ++i) check_shard_length(shards_[i]->path, split_.shard_lengths[i]);
}

EncodedImageSet::EncodedImageSet(const FilePath& index, ImageSet set, Split split, const FilePath& shards)
    : class_names_(std::move(set.class_names)), split_(std::move(set.split(split))) {
  for (const std::string& shard : split_.shards) {
    shards_.push_back(std::make_unique<Shard>((shards.empty() ? index.parent_path() : shards) / shard));
  }
}

EncodedImageSet::~EncodedImageSet() = default;
EncodedImageSet::EncodedImageSet(EncodedImageSet&&) noexcept = default;

int EncodedImageSet::descriptor(std::size_t shard, std::size_t image_in_shard) const {
  Shard& file = *shards_[shard];
  const std::lock_guard guard(file.opening);
  if (file.descriptor >= 0) return file.descriptor;
  const int descriptor = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    throw DamagedImageError(file.path, static_cast<std::int64_t>(image_in_shard),
                            fmt::format("the file cannot be opened ({})", std::strerror(errno)));
  }
  struct stat status = {};
  if (::fstat(descriptor, &status) == 0) file.length = static_cast<std::uint64_t>(status.st_size);
  file.descriptor = descriptor;
  return descriptor;
}

DamagedImageError EncodedImageSet::damage(std::int64_t index, const std::string& what_is_wrong) const {
  const std::size_t shard = split_.shard_of(index);
  return {shards_[shard]->path, index - static_cast<std::int64_t>(split_.shard_first_image[shard]), what_is_wrong};
}

std::vector<std::uint8_t> EncodedImageSet::read(std::int64_t index) const {
  const std::size_t shard = split_.shard_of(index);
  const auto fail = [&](const std::string& what_is_wrong) { throw damage(index, what_is_wrong); };
  const int file = descriptor(shard, index - split_.shard_first_image[shard]);
  const std::uint64_t begin = split_.shard_first_byte[shard] + split_.table.offsets[index];
  // The index may be wrong: compare with the file before allocating.
  if (begin + split_.table.lengths[index] > shards_[shard]->length) fail("the file ends before it does");
  std::vector<std::uint8_t> bytes(split_.table.lengths[index]);
  std::size_t num_read = 0;
  while (num_read < bytes.size()) {
    const ssize_t count =
        ::pread(file, bytes.data() + num_read, bytes.size() - num_read, static_cast<off_t>(begin + num_read));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(fmt::format("it cannot be read ({})", std::strerror(errno)));
    if (count == 0) fail(fmt::format("the file ends at its byte {} of {}", num_read, bytes.size()));
    num_read += count;
  }
  if (image_checksum(bytes) != split_.table.checksums[index]) fail("its checksum is not the one stated");
  return bytes;
}

}  // namespace incubate
