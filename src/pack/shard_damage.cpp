#include "pack/shard_damage.h"

#include <optional>

#include "base/check.h"

namespace incubate {
namespace {

constexpr std::size_t kMostImages = 5;  // damaged images that are named per shard

/// Returns the message of the error that `check` throws, if any. What cannot be read for another reason than its
/// content is no damage.
std::optional<std::string> find_error(const std::function<void()>& check) {
  try {
    check();
    return std::nullopt;
  } catch (const DamagedFileError& error) {
    return error.what();
  } catch (const UnreadableFileError&) {
    throw;
  } catch (const InputError& error) {
    return error.what();
  }
}

/// Throws DamagedFileError unless the shard's tables equal the index's.
void compare_with_index(const FilePath& path, const ImageSet& set, Split split, std::size_t shard) {
  const ImageSetSplit& stated = set.split(split);
  const ShardFile file = read_shard(path);
  const ImageTable table = stated.table.part(stated.shard_first_image[shard], stated.shard_first_image[shard + 1]);
  check_input<DamagedFileError>(
      file.shard.split == split && file.shard.class_names == set.class_names && file.shard.table == table &&
          file.first_byte == stated.shard_first_byte[shard],
      "{} is whole, but its {} images of {} classes ({}) are not those that the index states, {} of {}: it is of "
      "another set. Copy it again, or pack again.",
      path.string(), file.shard.table.size(), file.shard.class_names.size(), to_string(file.shard.split), table.size(),
      set.class_names.size());
}

}  // namespace

std::vector<std::string> find_shard_damage(const FilePath& index, const ImageSet& set, Split split, std::size_t shard,
                                           const EncodedDataset& images,
                                           const std::function<void(std::int64_t bytes)>& after_image) {
  const ImageSetSplit& stated = set.split(split);
  const FilePath path = shard_path(index, stated.shards[shard]);
  const auto wrong_length = find_error([&] { check_shard_length(path, stated.shard_lengths[shard]); });
  if (wrong_length) return {*wrong_length};

  std::vector<std::string> damage;
  const auto keep = [&](const std::optional<std::string>& error) {
    if (error) damage.push_back(*error);
    return error.has_value();
  };
  // HDF5 must not open a damaged file; single images can be read without HDF5.
  const bool is_damaged = keep(find_error([&] { verify_file(path); }));
  if (!is_damaged) keep(find_error([&] { compare_with_index(path, set, split, shard); }));
  std::size_t num_damaged = 0;
  for (std::size_t i = stated.shard_first_image[shard]; i < stated.shard_first_image[shard + 1]; ++i) {
    const auto image = static_cast<std::int64_t>(i);
    const auto error = find_error([&] { images.read(image); });
    if (error && ++num_damaged <= kMostImages) damage.push_back(*error);
    after_image(images.length(image));
  }
  if (num_damaged > kMostImages) {
    damage.push_back(fmt::format("{}: {} of its images are damaged in all.", path.string(), num_damaged));
  }
  return damage;
}

}  // namespace incubate
