#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "vision/image_set.h"

namespace incubate {

/// Returns bytes that no decoder accepts as an image, different for each `index` and split.
inline std::vector<std::uint8_t> small_encoded_image(Split split, std::int64_t index) {
  std::vector<std::uint8_t> bytes(5 + (index % 7));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>((split == Split::train ? 0 : 100) + (17 * index) + (3 * i));
  }
  return bytes;
}

/// Returns a shard of two classes with images first .. end-1 of a split, and appends their bytes to `bytes`.
inline ImageShard make_small_shard(Split split, std::int64_t shard, std::int64_t first, std::int64_t end,
                                   std::vector<std::uint8_t>& bytes) {
  ImageShard content{.split = split,
                     .index = shard,
                     .source_digest = "0123",
                     .class_names = {"cat", "dog"},
                     .table = {},
                     .files = {},
                     .problems = {}};
  for (std::int64_t i = first; i < end; ++i) {
    const std::vector<std::uint8_t> image = small_encoded_image(split, i);
    content.table.offsets.push_back(bytes.size());
    content.table.lengths.push_back(image.size());
    content.table.labels.push_back(i % 2);
    content.table.heights.push_back(static_cast<std::int32_t>(10 + i));
    content.table.widths.push_back(static_cast<std::int32_t>(20 + i));
    content.table.checksums.push_back(image_checksum(image));
    content.files.push_back("cat/" + std::to_string(i) + ".JPEG");
    bytes.insert(bytes.end(), image.begin(), image.end());
  }
  return content;
}

/// Writes a set to `directory`: training images 0-3 and 4-9 in two shards, validation images 0-2 in one. Returns its
/// index.
inline FilePath write_small_image_set(const std::filesystem::path& directory) {
  const FilePath index = directory / "set.h5";
  ImageSet set;
  set.class_names = {"cat", "dog"};
  const auto add = [&](Split split, std::int64_t shard, std::int64_t first, std::int64_t end) {
    std::vector<std::uint8_t> bytes;
    const ImageShard content = make_small_shard(split, shard, first, end, bytes);
    const std::string name = shard_name(index, split, shard);
    write_shard(directory / name, content, bytes);
    set.split(split).append(name, read_shard(directory / name));
  };
  add(Split::train, 0, 0, 4);
  add(Split::train, 1, 4, 10);
  add(Split::validation, 0, 0, 3);
  write_image_set(index, set);
  return index;
}

}  // namespace incubate
