#include "vision/encoded_dataset.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/process.h"
#include "hdf5/verified_file.h"
#include "vision/encoded_image.h"

namespace incubate {
namespace {

/// A file that is open as long as this object lives, or as long as the process does if it is kept.
struct OpenFile {
  int descriptor = -1;
  std::uint64_t length = 0;  // in bytes, when the file was opened
  bool is_kept = false;

  OpenFile(int opened, std::uint64_t bytes, bool keep) : descriptor(opened), length(bytes), is_kept(keep) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (descriptor >= 0 && !is_kept) ::close(descriptor);
  }
};

/// Number of shards that stay open in this process. Others are opened for each read.
std::atomic<std::uint64_t> num_kept_open = 0;

}  // namespace

/// A shard's file, opened by the first read.
struct EncodedDataset::Shard {
  explicit Shard(FilePath file) : path(std::move(file)) {}
  ~Shard() {
    if (descriptor < 0) return;
    ::close(descriptor);
    --num_kept_open;
  }
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  /// Opens the file, unless it is open. Throws DamagedSampleError if it is missing, UnreadableFileError for other
  /// reasons.
  OpenFile open();

  FilePath path;
  std::mutex opening;
  int descriptor = -1;
  std::uint64_t length = 0;
  std::atomic<bool> is_damaged = false;
};

OpenFile EncodedDataset::Shard::open() {
  const std::lock_guard guard(opening);
  if (descriptor >= 0) return {descriptor, length, true};
  const std::uint64_t most = raise_open_files();
  const int opened = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  check_input<UnreadableFileError>(opened >= 0 || errno == ENOENT,
                                   "{} cannot be opened: {} ({} open files are allowed, ulimit -n). Check the file's "
                                   "permissions, or raise the limit.",
                                   path.string(), std::strerror(errno), most);
  struct stat status = {};
  if (::fstat(opened, &status) == 0) length = static_cast<std::uint64_t>(status.st_size);
  const bool keep = opened >= 0 && num_kept_open < most / 4;  // the rest of the process needs files, too
  if (keep) {
    ++num_kept_open;
    descriptor = opened;
  }
  return {opened, length, keep};
}

EncodedDataset::EncodedDataset(const FilePath& index, Split split, const FilePath& shards)
    : EncodedDataset(index, read_image_set(index), split, shards) {
  const auto& files = copies_.empty() ? shards_ : copies_;
  for (std::size_t i = 0; i < files.size(); ++i) check_shard_length(files[i]->path, split_.shard_lengths[i]);
}

EncodedDataset::EncodedDataset(const FilePath& index, ImageSet set, Split split, const FilePath& shards)
    : split_(std::move(set.split(split))) {
  for (const std::string& shard : split_.shards) {
    shards_.push_back(std::make_unique<Shard>(shard_path(index, shard)));
    if (!shards.empty() && shards != index.parent_path()) copies_.push_back(std::make_unique<Shard>(shards / shard));
  }
}

EncodedDataset::~EncodedDataset() = default;

DamagedSampleError EncodedDataset::error(const Shard& file, std::int64_t index,
                                         const std::string& what_is_wrong) const {
  return DamagedSampleError(fmt::format(
      "{}: image {} of it {}. Copy the shard again, or run the same 'incubate pack' again, which makes damaged shards "
      "anew.",
      file.path.string(), index - static_cast<std::int64_t>(split_.shard_first_image[split_.shard_of(index)]),
      what_is_wrong));
}

DamagedSampleError EncodedDataset::damage(std::int64_t index, const std::string& what_is_wrong) const {
  return error(*shards_[split_.shard_of(index)], index, "is damaged: " + what_is_wrong);
}

std::vector<std::uint8_t> EncodedDataset::read(std::int64_t index) const {
  const std::size_t shard = split_.shard_of(index);
  if (!copies_.empty() && !copies_[shard]->is_damaged) {
    Shard& copy = *copies_[shard];
    try {
      return read_from(copy, index);
    } catch (const DamagedSampleError&) {
      copy.is_damaged = true;
      std::error_code ignored;
      std::filesystem::remove(copy.path, ignored);  // the next start makes it anew
    }
  }
  return read_from(*shards_[shard], index);
}

std::vector<std::uint8_t> EncodedDataset::read_from(Shard& file, std::int64_t index) const {
  const std::size_t shard = split_.shard_of(index);
  const OpenFile opened = file.open();
  if (opened.descriptor < 0) throw error(file, index, "cannot be read: the file is missing");
  const auto fail = [&](const std::string& what_is_wrong) { throw error(file, index, "is damaged: " + what_is_wrong); };
  const std::uint64_t begin = split_.shard_first_byte[shard] + split_.table.offsets[index];
  // The index may be wrong: compare with the file before allocating.
  if (begin + split_.table.lengths[index] > opened.length) fail("the file ends before it does");
  std::vector<std::uint8_t> bytes(split_.table.lengths[index]);
  std::size_t num_read = 0;
  while (num_read < bytes.size()) {
    const ssize_t count = ::pread(opened.descriptor, bytes.data() + num_read, bytes.size() - num_read,
                                  static_cast<off_t>(begin + num_read));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw error(file, index, fmt::format("cannot be read: {}", std::strerror(errno)));
    if (count == 0) fail(fmt::format("the file ends at its byte {} of {}", num_read, bytes.size()));
    num_read += count;
  }
  if (image_checksum(bytes) != split_.table.checksums[index]) fail("its checksum is not the one stated");
  return bytes;
}

std::unique_ptr<const ImageSource> EncodedDataset::open(std::int64_t index) const {
  return std::make_unique<EncodedImage>(read(index), height(index), width(index),
                                        [this, index](const std::string& wrong) { return damage(index, wrong); });
}

bool is_image_set(const std::filesystem::path& path) {
  return read_intact_file(
      path, [](const Hdf5File& file) { return file.read_string_attribute("filetype") == kImageSetFiletype; });
}

DatasetInfo check_encoded_dataset(const std::filesystem::path& index) {
  const ImageSet set = read_image_set(index);
  check_shard_lengths(index, set);
  return {.num_train = static_cast<std::int64_t>(set.train.table.size()),
          .num_validation = static_cast<std::int64_t>(set.validation.table.size()),
          .channels = 3,
          .mean = set.statistics.mean,
          .std = set.statistics.std,
          .class_names = set.class_names,
          .digest = stated_digest(index)};
}

}  // namespace incubate
