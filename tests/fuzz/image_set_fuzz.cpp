// Fuzzes indices and shards with wrong content that HDF5 itself wrote: see hostile_hdf5.h. A hostile index has intact
// shards beside it. An accepted hostile shard gets an index, as when a folder is packed.
#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>

#include "base/check.h"
#include "fuzz/allocation_limit.h"
#include "fuzz/hostile_hdf5.h"
#include "hdf5/atomic_file.h"
#include "pack/shard_damage.h"
#include "support/jpeg_file.h"
#include "support/temporary_directory.h"
#include "vision/encoded_dataset.h"
#include "vision/jpeg.h"

namespace incubate {
namespace {

using Type = Expected::Type;

/// A set of intact files, with room for hostile ones beside them.
struct Folder {
  TemporaryDirectory directory;  // HDF5 wants files with real paths
  FilePath whole_index = directory / "set.h5";
  FilePath index = directory / "hostile.h5";
  FilePath shard = directory / "shard.h5";
  ImageSet set;

  Folder() {
    set.class_names = {"cat", "dog"};
    add_shard(Split::train, 0, 2);
    add_shard(Split::train, 1, 1);
    add_shard(Split::validation, 0, 2);
    write_image_set(whole_index, set);
  }
  FilePath shard_path(Split split, std::size_t i) const { return directory / set.split(split).shards[i]; }

 private:
  void add_shard(Split split, std::int64_t index, std::int64_t num_images) {
    ImageShard shard{
        .split = split,
        .index = index,
        .source_digest = "0123",
        .class_names = set.class_names,
        .table = {},
        .files = {},
        .problems = {{.kind = PackProblem::Kind::misnamed, .file = "train/cat/1.gif", .reason = "a JPEG"}}};
    std::vector<std::uint8_t> bytes;
    for (std::int64_t i = 0; i < num_images; ++i) {
      const Image image = make_photo(9 + i + (3 * index), 17);
      const std::vector<std::uint8_t> file = encode_jpeg(image, 50);
      shard.table.append({.offsets = {bytes.size()},
                          .lengths = {file.size()},
                          .labels = {i % 2},
                          .heights = {static_cast<std::int32_t>(image.height)},
                          .widths = {static_cast<std::int32_t>(image.width)},
                          .checksums = {image_checksum(file)}});
      shard.files.push_back("cat/" + std::to_string(i) + ".JPEG");
      bytes.insert(bytes.end(), file.begin(), file.end());
    }
    const std::string name = shard_name(whole_index, split, index);
    write_shard(directory / name, shard, bytes);
    set.split(split).append(name, read_shard(directory / name));
  }
};

const Folder& folder() {
  static const Folder folder;
  return folder;
}

Expected text(const std::string& name, const std::vector<std::string>& values) {
  return {name, Type::text, {values.size()}, values, {}};
}

template <typename T>
Expected numbers(const std::string& name, Type type, const std::vector<T>& values) {
  return {name, type, {values.size()}, {}, {values.begin(), values.end()}};
}

void append_table(std::vector<Expected>& expected, const std::string& group, const ImageTable& table) {
  expected.push_back(numbers(group + "/labels", Type::integer, table.labels));
  expected.push_back(numbers(group + "/heights", Type::integer, table.heights));
  expected.push_back(numbers(group + "/widths", Type::integer, table.widths));
  expected.push_back(numbers(group + "/checksums", Type::natural, table.checksums));
}

void append_split(std::vector<Expected>& expected, const std::string& group, const ImageSetSplit& split) {
  expected.push_back(text(group + "/shards", split.shards));
  expected.push_back(numbers(group + "/shard_lengths", Type::natural, split.shard_lengths));
  expected.push_back(numbers(group + "/shard_first_byte", Type::natural, split.shard_first_byte));
  expected.push_back(numbers(group + "/shard_first_image", Type::natural, split.shard_first_image));
  expected.push_back(numbers(group + "/offsets", Type::natural, split.table.offsets));
  expected.push_back(numbers(group + "/lengths", Type::natural, split.table.lengths));
  append_table(expected, group, split.table);
}

std::vector<Expected> expected_index() {
  const ImageSet& set = folder().set;
  std::vector<Expected> expected = {{"filetype", Type::text, {}, {kImageSetFiletype}, {}},
                                    {"version", Type::integer, {}, {}, {kImageSetVersion}},
                                    text("/class_names", set.class_names)};
  append_split(expected, "/train", set.train);
  append_split(expected, "/validation", set.validation);
  return expected;
}

std::vector<Expected> expected_shard() {
  const FilePath path = folder().shard_path(Split::train, 0);
  const auto [shard, first_byte, length] = read_shard(path);
  const std::string bytes = read_text(path).substr(first_byte, shard.table.offsets.back() + shard.table.lengths.back());
  std::vector<std::uint64_t> offsets = shard.table.offsets;
  offsets.push_back(bytes.size());
  std::vector<Expected> expected = {
      {"filetype", Type::text, {}, {kShardFiletype}, {}},
      {"version", Type::integer, {}, {}, {kShardVersion}},
      {"split", Type::text, {}, {"train"}, {}},
      {"shard", Type::integer, {}, {}, {0}},
      {"source_digest", Type::text, {}, {shard.source_digest}, {}},
      text("/class_names", shard.class_names),
      text("/files", shard.files),
      text("/problems/kinds", {"misnamed"}),
      text("/problems/files", {"train/cat/1.gif"}),
      text("/problems/reasons", {"a JPEG"}),
      numbers("/bytes", Type::bytes, std::vector<std::uint8_t>(bytes.begin(), bytes.end())),
      numbers("/offsets", Type::natural, offsets)};
  append_table(expected, "", shard.table);
  return expected;
}

/// Returns a value close by, a limit, any value, or another one of the file.
std::int64_t change_value(std::int64_t value, const std::vector<Expected>& expected, ByteSource& source) {
  constexpr std::array<std::int64_t, 10> kLimits = {0,
                                                    1,
                                                    -1,
                                                    65535,
                                                    65536,
                                                    std::int64_t{1} << 31,
                                                    std::int64_t{1} << 40,
                                                    std::int64_t{1} << 62,
                                                    std::numeric_limits<std::int64_t>::max(),
                                                    std::numeric_limits<std::int64_t>::min()};
  switch (source.choice(4)) {
    case 0:
      return static_cast<std::int64_t>(static_cast<std::uint64_t>(value) + source.number<std::int8_t>());
    case 1:
      return kLimits[source.choice(kLimits.size())];
    case 2:
      return source.number<std::int64_t>();
    default: {
      const std::vector<std::int64_t>& other = expected[source.choice(expected.size())].values;
      return other.empty() ? value : other[source.byte() % other.size()];
    }
  }
}

/// Changes up to seven values and names, or adds or removes one row. Choices of 0 change nothing.
void change_values(std::vector<Expected>& expected, ByteSource& source) {
  const std::size_t num_changes = source.choice(8);
  for (std::size_t i = 0; i < num_changes; ++i) {
    Expected& item = expected[source.choice(expected.size())];
    if (!item.values.empty()) {
      std::int64_t& value = item.values[source.byte() % item.values.size()];
      value = change_value(value, expected, source);
    } else if (!item.texts.empty()) {
      item.texts[source.byte() % item.texts.size()] = source.text(source.choice(20));
    }
  }
}

/// Reads all images. Damage must be reported as damage. Returns the number of intact images.
std::int64_t read_all(const EncodedDataset& images, std::size_t num_classes) {
  std::int64_t num_whole = 0;
  for (std::int64_t i = 0; i < images.num_images(); ++i) {
    check_running(images.label(i) >= 0 && images.label(i) < static_cast<std::int64_t>(num_classes) &&
                      images.height(i) >= 1 && images.width(i) >= 1 && images.height(i) <= kLongestSide &&
                      images.width(i) <= kLongestSide,
                  "label {} of {}, {}x{} pixels", images.label(i), num_classes, images.height(i), images.width(i));
    try {
      const auto length = static_cast<std::int64_t>(images.read(i).size());
      check_running(length == images.length(i), "{} bytes of {}", length, images.length(i));
      ++num_whole;
    } catch (const DamagedSampleError&) {
    }
  }
  return num_whole;
}

/// Decodes all images as trainings do. `shards` must have everything they state. Returns the number of intact images.
std::int64_t decode_all(const FilePath& index, Split split) {
  const EncodedDataset dataset(index, split, index.parent_path());
  std::int64_t num_whole = 0;
  for (std::int64_t i = 0; i < dataset.num_images(); ++i) {
    try {
      const auto source = dataset.open(i);
      const Image image = source->image();
      check_running(image.height == source->height() && image.width == source->width() && image.channels == 3,
                    "{}x{} pixels of {}x{}", image.height, image.width, source->height(), source->width());
      ++num_whole;
    } catch (const DamagedSampleError&) {
    }
  }
  return num_whole;
}

/// Returns whether the whole index is valid.
bool read_index(const FilePath& index) {
  const ImageSet set = read_image_set(index);
  bool is_whole = true;
  std::int64_t num_bytes = 0;  // of all images: they can be added up
  for (const Split split : {Split::train, Split::validation}) {
    // Shards with other lengths than stated, or missing ones, give no image, but no other error either.
    const EncodedDataset images(index, set, split);
    is_whole &= read_all(images, set.class_names.size()) == images.num_images();
    for (std::int64_t i = 0; i < images.num_images(); ++i) num_bytes += images.length(i);
    for (std::size_t i = 0; i < set.split(split).num_shards(); ++i) {
      is_whole &= find_shard_damage(index, set, split, i, images, [](std::int64_t) {}).empty();
    }
  }
  check_running(num_bytes > 0, "{} bytes of all images", num_bytes);
  const DatasetInfo info = check_encoded_dataset(index);
  for (const Split split : {Split::train, Split::validation}) {
    const std::int64_t num_images = split == Split::train ? info.num_train : info.num_validation;
    is_whole &= decode_all(index, split) == num_images;
  }
  return is_whole;
}

/// Returns whether the whole shard is valid. An index may repeat everything that a shard states.
bool read_hostile_shard(const FilePath& path, const FilePath& index) {
  verify_file(path);
  const ShardFile file = read_shard(path);
  const ImageTable& table = file.shard.table;
  if (table.size() == 0) return false;
  check_running(file.first_byte + table.offsets.back() + table.lengths.back() <= file.length,
                "images begin at byte {} of {} and end at {}", file.first_byte, file.length,
                table.offsets.back() + table.lengths.back());
  ImageSet set;
  set.class_names = file.shard.class_names;
  for (const Split split : {Split::train, Split::validation}) set.split(split).append(path.filename().string(), file);
  write_image_set(index, set);
  try {
    check_running(read_image_set(index) == set, "the index does not say what its shard says");
    const EncodedDataset images(index, file.shard.split);
    const bool is_whole = find_shard_damage(index, set, file.shard.split, 0, images, [](std::int64_t) {}).empty();
    check_running(is_whole == (read_all(images, set.class_names.size()) == images.num_images()),
                  "damage of the shard that its images lack");
    return is_whole && decode_all(index, file.shard.split) == images.num_images();
  } catch (const InputError& error) {
    throw std::logic_error(fmt::format("a shard is accepted and its index is not: {}", error.what()));
  }
}

/// Headers, buffers of HDF5 and of checksums, and every number of a file as 8 bytes in up to a dozen columns, some
/// twice.
constexpr std::size_t kMostBytes = std::size_t{16} << 20;
constexpr std::size_t kMostBytesForEach = 256;

bool read_index(ByteSource& source) {
  std::vector<Expected> expected = expected_index();
  change_values(expected, source);
  write_hostile_hdf5(folder().index, expected, source);
  const AllocationLimit limit(kMostBytes + (kMostBytesForEach * std::filesystem::file_size(folder().index)));
  return read_index(folder().index);
}

bool read_shard(ByteSource& source) {
  std::vector<Expected> expected = expected_shard();
  change_values(expected, source);
  write_hostile_hdf5(folder().shard, expected, source);
  const AllocationLimit limit(kMostBytes + (kMostBytesForEach * std::filesystem::file_size(folder().shard)));
  return read_hostile_shard(folder().shard, folder().index);
}

}  // namespace
}  // namespace incubate

/// Every image of unchanged files is read, so the fuzzed code is reached.
extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  using namespace incubate;
  ByteSource nothing({});
  check_running(read_index(nothing), "the unchanged index");
  check_running(read_shard(nothing), "the unchanged shard");
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace incubate;
  ByteSource source({data, size});
  try {
    if (source.choice(2) == 0) {
      read_index(source);
    } else {
      read_shard(source);
    }
  } catch (const InputError&) {
  }
  return 0;
}
