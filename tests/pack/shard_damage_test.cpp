#include "pack/shard_damage.h"

#include <fstream>

#include <gtest/gtest.h>

#include "base/check.h"
#include "support/small_image_set.h"
#include "support/temporary_directory.h"

namespace incubate {
namespace {

class ShardDamage : public testing::Test {
 protected:
  /// Returns the damage of the second training shard.
  std::vector<std::string> find() {
    const EncodedDataset images(index_, set_, Split::train);
    num_images_ = 0;
    return find_shard_damage(index_, set_, Split::train, 1, images, [this](std::int64_t) { ++num_images_; });
  }
  void change_byte(std::uint64_t place) const {
    std::fstream stream(shard_, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekg(static_cast<std::streamoff>(place));
    const int old = stream.get();
    stream.seekp(static_cast<std::streamoff>(place));
    stream.put(static_cast<char>(old ^ 1));
  }

  TemporaryDirectory directory_;
  FilePath index_ = write_small_image_set(directory_.path());
  ImageSet set_ = read_image_set(index_);
  FilePath shard_ = directory_ / "set-train-00001.h5";
  std::int64_t num_images_ = 0;
};

TEST_F(ShardDamage, AWholeShardHasNone) {
  EXPECT_EQ(find(), std::vector<std::string>{});
  EXPECT_EQ(num_images_, 6);
}

TEST_F(ShardDamage, EachFlippedByteIsFoundWhereverItIs) {
  const std::uint64_t length = std::filesystem::file_size(shard_);
  for (std::uint64_t place = 0; place < length; place += 37) {
    change_byte(place);
    EXPECT_FALSE(find().empty()) << "byte " << place;
    change_byte(place);
  }
  EXPECT_TRUE(find().empty());
}

TEST_F(ShardDamage, TheDamagedImageIsNamed) {
  change_byte(set_.train.shard_first_byte[1] + set_.train.table.offsets[6]);
  const std::vector<std::string> damage = find();
  ASSERT_EQ(damage.size(), 2);
  EXPECT_TRUE(damage[0].starts_with(shard_.string() + " is damaged: its content has the checksum ")) << damage[0];
  EXPECT_TRUE(damage[1].starts_with(shard_.string() + ": image 2 of it is damaged: its checksum")) << damage[1];
}

TEST_F(ShardDamage, OfManyDamagedImagesAFewAreNamed) {
  for (std::size_t i = 4; i < 10; ++i) change_byte(set_.train.shard_first_byte[1] + set_.train.table.offsets[i]);
  const std::vector<std::string> damage = find();
  ASSERT_EQ(damage.size(), 1 + 5 + 1);
  EXPECT_EQ(damage.back(), shard_.string() + ": 6 of its images are damaged in all.");
}

TEST_F(ShardDamage, AWholeShardOfAnotherSetIsFound) {
  std::vector<std::uint8_t> bytes;
  ImageShard other = make_small_shard(Split::train, 1, 4, 10, bytes);
  other.table.labels[3] = 0;
  write_shard(shard_, other, bytes);
  EXPECT_EQ(find(), std::vector<std::string>{shard_.string() +
                                             " is whole, but its 6 images of 2 classes (train) are not those that the "
                                             "index states, 6 of 2: it is of another set. Copy it again, or pack "
                                             "again."});
}

TEST_F(ShardDamage, ImagesAreCheckedEvenIfTheShardAsAWholeAgreesWithItself) {
  std::vector<std::uint8_t> bytes;
  const ImageShard same = make_small_shard(Split::train, 1, 4, 10, bytes);
  bytes[0] ^= 1;
  write_shard(shard_, same, bytes);
  const std::vector<std::string> damage = find();
  ASSERT_EQ(damage.size(), 1);
  EXPECT_TRUE(damage[0].starts_with(shard_.string() + ": image 0 of it is damaged: its checksum")) << damage[0];
}

TEST_F(ShardDamage, AMissingShardIsOneLine) {
  std::filesystem::remove(shard_);
  EXPECT_EQ(find(), std::vector<std::string>{shard_.string() + " cannot be read: No such file or directory. Copy it "
                                                               "beside the index, or pack again."});
}

}  // namespace
}  // namespace incubate
