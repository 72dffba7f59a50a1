#include "vision/image_set.h"

#include <algorithm>

#include "base/check.h"
#include "vision/filetype.h"

namespace incubate {
namespace {

void write_split(Hdf5File& file, const std::string& group, const ImageSetSplit& split) {
  file.write_strings(group + "/shards", split.shards);
  file.write(group + "/shard_lengths", split.shard_lengths);
  file.write(group + "/shard_first_byte", split.shard_first_byte);
  file.write(group + "/shard_first_image", split.shard_first_image);
  ImageTable::for_each_column(
      [&](const std::string& name, const auto& column) { file.write(group + "/" + name, column); }, split.table);
}

ImageSetSplit read_set_split(const Hdf5File& file, const std::string& group) {
  ImageSetSplit split;
  split.shards = file.read_strings(group + "/shards");
  split.shard_lengths = file.read<std::uint64_t>(group + "/shard_lengths");
  split.shard_first_byte = file.read<std::uint64_t>(group + "/shard_first_byte");
  split.shard_first_image = file.read<std::uint64_t>(group + "/shard_first_image");
  ImageTable::for_each_column(
      [&]<typename T>(const std::string& name, std::vector<T>& column) { column = file.read<T>(group + "/" + name); },
      split.table);
  return split;
}

/// Of a split's shards: those of both splits can be added up as signed numbers. No file system holds as many.
constexpr std::uint64_t kMostSetBytes = (std::uint64_t{1} << 62) - 1;

/// Returns whether `name` is a plain file name, which cannot leave the index's directory.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
}

void check_shards(const ImageSetSplit& split, const std::string& origin) {
  const std::size_t num_shards = split.num_shards();
  check_input(num_shards > 0 && split.table.size() > 0, "{} has {} shards and {} images. Make or copy it again.",
              origin, num_shards, split.table.size());
  check_input(split.shard_lengths.size() == num_shards && split.shard_first_byte.size() == num_shards &&
                  split.shard_first_image.size() == num_shards + 1,
              "{} has {} lengths, {} first bytes and {} first images for {} shards. Make or copy it again.", origin,
              split.shard_lengths.size(), split.shard_first_byte.size(), split.shard_first_image.size(), num_shards);
  check_input(split.shard_first_image.front() == 0 && split.shard_first_image.back() == split.table.size(),
              "{}: its shards have images {} to {}, but there are {}. Make or copy it again.", origin,
              split.shard_first_image.front(), split.shard_first_image.back(), split.table.size());
  std::uint64_t num_bytes = 0;
  for (std::size_t i = 0; i < num_shards; ++i) {
    check_input(split.shard_lengths[i] <= kMostSetBytes - num_bytes,
                "{}: its shards have more bytes than can be added up. Make or copy it again.", origin);
    num_bytes += split.shard_lengths[i];
    check_input(is_plain_name(split.shards[i]), "{}: '{}' is no name of a file beside it. Make or copy it again.",
                origin, split.shards[i]);
    check_input(split.shard_first_image[i] < split.shard_first_image[i + 1],
                "{}: {} begins at image {} and the next shard at {}. Make or copy it again.", origin, split.shards[i],
                split.shard_first_image[i], split.shard_first_image[i + 1]);
    check_input(split.shard_first_byte[i] >= kUserBlockBytes && split.shard_first_byte[i] < split.shard_lengths[i],
                "{}: the images of {} begin at byte {} of {}. Make or copy it again.", origin, split.shards[i],
                split.shard_first_byte[i], split.shard_lengths[i]);
  }
}

void check_split(const ImageSetSplit& split, std::int64_t num_classes, const std::string& origin) {
  check_shards(split, origin);
  check_table(split.table, num_classes, origin);
  for (std::size_t i = 0; i < split.num_shards(); ++i) {
    check_places(split.table, split.shard_first_image[i], split.shard_first_image[i + 1], split.num_bytes(i), origin);
  }
}

}  // namespace

std::size_t ImageSetSplit::shard_of(std::size_t image) const {
  const auto after = std::ranges::upper_bound(shard_first_image, image);
  return static_cast<std::size_t>(after - shard_first_image.begin()) - 1;
}

void ImageSetSplit::append(const std::string& name, const ShardFile& file) {
  if (shard_first_image.empty()) shard_first_image.push_back(0);
  shards.push_back(name);
  shard_lengths.push_back(file.length);
  shard_first_byte.push_back(file.first_byte);
  table.append(file.shard.table);
  shard_first_image.push_back(table.size());
}

std::string shard_name(const FilePath& index, Split split, std::int64_t shard) {
  return fmt::format("{}-{}-{:05}.h5", index.stem().string(), to_string(split), shard);
}

FilePath shard_path(const FilePath& index, const std::string& name) {
  std::error_code ignored;
  for (FilePath place = index;; place = place.parent_path() / std::filesystem::read_symlink(place, ignored)) {
    if (std::filesystem::exists(place.parent_path() / name, ignored)) return place.parent_path() / name;
    if (!std::filesystem::is_symlink(place, ignored)) break;
  }
  return index.parent_path() / name;
}

FilePath problems_path(const FilePath& index) {
  return index.parent_path() / (index.stem().string() + "-problems.txt");
}

void write_image_set(const FilePath& index, const ImageSet& set) {
  write_verified_file(index, [&](Hdf5File& file) {
    file.write_attribute("filetype", kImageSetFiletype);
    file.write_attribute("version", set.has_png ? kImageSetVersion : 1);
    file.write_strings("/class_names", set.class_names);
    write_statistics(file, set.statistics);
    write_split(file, "/train", set.train);
    write_split(file, "/validation", set.validation);
  });
}

ImageSet read_image_set(const FilePath& index) {
  return read_verified_file(index, [&](const Hdf5File& file) {
    ImageSet set;
    set.has_png = check_filetype(file, index.string(), kImageSetFiletype, kImageSetVersion) > 1;
    set.class_names = file.read_strings("/class_names");
    set.statistics = read_statistics(file, index.string(), 3);
    for (const Split split : kSplits) {
      const std::string group = std::string("/") + to_string(split);
      set.split(split) = read_set_split(file, group);
      check_split(set.split(split), static_cast<std::int64_t>(set.class_names.size()), index.string() + group);
    }
    return set;
  });
}

void check_shard_lengths(const FilePath& index, const ImageSet& set) {
  for (const Split split : kSplits) {
    const ImageSetSplit& part = set.split(split);
    for (std::size_t i = 0; i < part.num_shards(); ++i) {
      check_shard_length(shard_path(index, part.shards[i]), part.shard_lengths[i]);
    }
  }
}

void check_shard_length(const FilePath& shard, std::uint64_t stated) {
  std::error_code error;
  const std::uint64_t length = std::filesystem::file_size(shard, error);
  check_input<DamagedFileError>(error != std::errc::no_such_file_or_directory,
                                "{} cannot be read: {}. Copy it beside the index, or pack again.", shard.string(),
                                error.message());
  check_input<UnreadableFileError>(!error, "{} cannot be read: {}. Check the path and the disk.", shard.string(),
                                   error.message());
  check_input<DamagedFileError>(length == stated,
                                "{} has {} bytes but the index states {}: it is not completely copied, or of another "
                                "set. Copy it again, or pack again.",
                                shard.string(), length, stated);
}

}  // namespace incubate
