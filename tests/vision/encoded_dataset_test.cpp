#include "vision/encoded_dataset.h"

#include <gtest/gtest.h>

#include "support/jpeg_file.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"
#include "vision/jpeg.h"
#include "vision/png.h"

namespace incubate {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// Writes a set of these files as training images, with a copy for evaluation. Returns its index.
FilePath write_set(const std::filesystem::path& directory, const std::vector<Bytes>& files) {
  const FilePath index = directory / "set.h5";
  ImageSet set;
  set.class_names = {"cat"};
  for (const Split split : kSplits) {
    ImageShard shard;
    shard.split = split;
    shard.class_names = set.class_names;
    Bytes bytes;
    for (const Bytes& file : files) {
      shard.table.append({.offsets = {bytes.size()},
                          .lengths = {file.size()},
                          .labels = {0},
                          .heights = {40},
                          .widths = {50},
                          .checksums = {image_checksum(file)}});
      shard.files.emplace_back("cat/x");
      bytes.insert(bytes.end(), file.begin(), file.end());
    }
    const std::string name = shard_name(index, split, 0);
    write_shard(directory / name, shard, bytes);
    set.split(split).append(name, read_shard(directory / name));
  }
  write_image_set(index, set);
  return index;
}

TEST(EncodedDatasetTest, GivesPartsOfJpegsAndPngs) {
  const TemporaryDirectory directory;
  const Image photo = make_photo(40, 50);
  const Bytes jpeg = encode_jpeg(photo, 90), cmyk = make_jpeg(make_photo(40, 50, 4), {}), png = encode_png(photo);
  const EncodedDataset images(write_set(directory.path(), {jpeg, cmyk, png}), Split::train, directory.path());
  const std::vector<Image> expected = {decode_jpeg(jpeg), decode_jpeg(cmyk), photo};
  const Box box = {3, 4, 25, 36};
  for (std::int64_t i = 0; i < 3; ++i) {
    const auto source = images.open(i);
    EXPECT_EQ(source->image(), expected[i]) << i;
    EXPECT_EQ(source->part(box, box.height, box.width), crop(expected[i], box)) << i;
  }
}

TEST(EncodedDatasetTest, AFileThatCannotBeDecodedIsNamed) {
  const TemporaryDirectory directory;
  Bytes png = encode_png(make_photo(40, 50));
  png.resize(png.size() / 2);
  const EncodedDataset images(write_set(directory.path(), {png}), Split::train, directory.path());
  const std::string message = thrown_message<DamagedImageError>([&] { images.open(0)->image(); });
  EXPECT_TRUE(message.starts_with((directory / "set-train-00000.h5").string() + ": image 0 of it is damaged: the file "
                                                                                "ends early."))
      << message;
}

}  // namespace
}  // namespace incubate
