#include "vision/image_set.h"

#include <fstream>

#include <gtest/gtest.h>

#include "base/check.h"
#include "support/small_image_set.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"
#include "vision/encoded_dataset.h"

namespace incubate {
namespace {

class ImageSetTest : public testing::Test {
 protected:
  /// Returns the message of reading after `change` to the training images, without the file's name.
  template <typename Change>
  std::string error_of(Change&& change) {
    ImageSet bad = set_;
    change(bad.train);
    write_image_set(index_, bad);
    const std::string message = thrown_message<InputError>([this] { read_image_set(index_); });
    const std::string begin = index_.string() + "/train";
    return message.starts_with(begin) ? message.substr(begin.size()) : "(another beginning) " + message;
  }

  TemporaryDirectory directory_;
  FilePath index_ = write_small_image_set(directory_.path());
  ImageSet set_ = read_image_set(index_);
};

TEST_F(ImageSetTest, HasAllShardsImagesInOrder) {
  EXPECT_EQ(set_.class_names, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(set_.train.shards, (std::vector<std::string>{"set-train-00000.h5", "set-train-00001.h5"}));
  EXPECT_EQ(set_.train.shard_first_image, (std::vector<std::uint64_t>{0, 4, 10}));
  EXPECT_EQ(set_.train.table.size(), 10);
  EXPECT_EQ(set_.train.table.heights[9], 19);
  EXPECT_EQ(set_.validation.table.labels, (std::vector<std::int64_t>{0, 1, 0}));
  EXPECT_EQ(set_.train.shard_of(0), 0);
  EXPECT_EQ(set_.train.shard_of(3), 0);
  EXPECT_EQ(set_.train.shard_of(4), 1);
  EXPECT_EQ(set_.train.shard_of(9), 1);
  EXPECT_NO_THROW(check_shard_lengths(index_, set_));
}

TEST_F(ImageSetTest, StatisticsComeBackIfThereAreAny) {
  EXPECT_TRUE(set_.statistics.mean.empty());
  EXPECT_TRUE(check_encoded_dataset(index_).mean.empty());
  set_.statistics = {.mean = {0.25, 0.5, 1}, .std = {0.125, 0.5, 0}};
  write_image_set(index_, set_);
  EXPECT_EQ(read_image_set(index_), set_);
  EXPECT_EQ(check_encoded_dataset(index_).mean, set_.statistics.mean);
  EXPECT_EQ(check_encoded_dataset(index_).std, set_.statistics.std);
  set_.statistics.std[0] = 2;
  write_image_set(index_, set_);
  EXPECT_EQ(thrown_message<InputError>([this] { read_image_set(index_); }),
            index_.string() + ": /mean and /std have no number in 0..1 for each of 3 channels. Pack it again.");
}

TEST_F(ImageSetTest, EqualSetsMakeEqualFilesAndOneChecksumAnotherDigest) {
  const std::string digest = stated_digest(index_);
  write_image_set(index_, set_);
  EXPECT_EQ(stated_digest(index_), digest);
  set_.validation.table.checksums[1] ^= 1;
  write_image_set(index_, set_);
  EXPECT_NE(stated_digest(index_), digest);
}

TEST_F(ImageSetTest, OnlyWithPngsItIsOfAVersionThatOlderProgramsRefuse) {
  const auto version = [this] {
    write_image_set(index_, set_);
    EXPECT_EQ(read_image_set(index_), set_);
    return Hdf5File::open(index_).read_int_attribute("version");
  };
  EXPECT_EQ(version(), 1);
  set_.has_png = true;
  EXPECT_EQ(version(), 2);
}

TEST_F(ImageSetTest, NamesThatLeadElsewhereAreErrors) {
  for (const std::string name : {"../x.h5", "/etc/passwd", "a/b", "..", ".", ""}) {
    EXPECT_EQ(error_of([&](ImageSetSplit& s) { s.shards[1] = name; }),
              ": '" + name + "' is no name of a file beside it. Make or copy it again.");
  }
}

TEST_F(ImageSetTest, ShardsThatDoNotAddUpAreErrors) {
  EXPECT_EQ(error_of([](ImageSetSplit& s) {
              s.shard_first_image = {0, 4, 9};
            }),
            ": its shards have images 0 to 9, but there are 10. Make or copy it again.");
  EXPECT_EQ(error_of([](ImageSetSplit& s) {
              s.shard_first_image = {0, 11, 10};
            }),
            ": set-train-00001.h5 begins at image 11 and the next shard at 10. Make or copy it again.");
  EXPECT_EQ(error_of([](ImageSetSplit& s) { s.shard_lengths.pop_back(); }),
            " has 1 lengths, 2 first bytes and 3 first images for 2 shards. Make or copy it again.");
  EXPECT_EQ(error_of([](ImageSetSplit& s) {
              s = ImageSetSplit();
              s.shard_first_image = {0};
            }),
            " has 0 shards and 0 images. Make or copy it again.");
  EXPECT_EQ(error_of([](ImageSetSplit& s) {
              s.shard_first_byte[0] = 100;
              s.shard_lengths[0] = 3000;
            }),
            ": the images of set-train-00000.h5 begin at byte 100 of 3000. Make or copy it again.");
  EXPECT_EQ(error_of([](ImageSetSplit& s) {
              s.shard_lengths = {std::uint64_t{1} << 61, std::uint64_t{1} << 61};
            }),
            ": its shards have more bytes than can be added up. Make or copy it again.");
}

TEST_F(ImageSetTest, ImagesOutsideTheirShardAreErrors) {
  const std::uint64_t num_bytes = set_.train.num_bytes(1);
  EXPECT_EQ(error_of([](ImageSetSplit& s) { s.table.lengths[9] = std::uint64_t{1} << 40; }),
            ": image 9 has 1099511627776 bytes from byte 41 on, but there are " + std::to_string(num_bytes) +
                ". Make or copy it again.");
  EXPECT_EQ(error_of([](ImageSetSplit& s) { s.table.offsets[9] = ~std::uint64_t{0}; }),
            ": image 9 has 7 bytes from byte 18446744073709551615 on, but there are " + std::to_string(num_bytes) +
                ". Make or copy it again.");
  EXPECT_EQ(error_of([](ImageSetSplit& s) { s.table.offsets[5] = 8; }),
            ": image 5 begins at byte 8, before the end of the one before, 9. Make or copy it again.");
  EXPECT_EQ(error_of([](ImageSetSplit& s) { s.table.lengths[0] = 0; }),
            ": image 0 has no bytes. Make or copy it again.");
}

TEST_F(ImageSetTest, LabelsAndSidesOutOfRangeAreErrors) {
  EXPECT_EQ(error_of([](ImageSetSplit& s) { s.table.labels[7] = -1; }),
            ": label -1 of image 7 is not below the number of classes, 2. Give a name for every class.");
  EXPECT_EQ(error_of([](ImageSetSplit& s) { s.table.widths[7] = -5; }),
            ": the width of image 7, -5, is not in 1..65535. Make or copy it again.");
  EXPECT_EQ(error_of([](ImageSetSplit& s) { s.table.heights.pop_back(); }),
            ": 9 heights for 10 labels. Make or copy it again.");
}

TEST_F(ImageSetTest, ShardsAreBesideALinkOrItsTarget) {
  const FilePath shard = directory_ / "set-train-00001.h5";
  for (const char* folder : {"a", "b", "c"}) std::filesystem::create_directory(directory_ / folder);
  std::filesystem::create_symlink("../set.h5", directory_ / "a/first.h5");
  std::filesystem::create_symlink("../a/first.h5", directory_ / "b/second.h5");
  for (const char* link : {"a/first.h5", "b/second.h5"}) {
    EXPECT_TRUE(std::filesystem::equivalent(shard_path(directory_ / link, "set-train-00001.h5"), shard)) << link;
    EXPECT_NO_THROW(check_shard_lengths(directory_ / link, set_));
  }
  // As in a store of links to files with other names.
  std::filesystem::rename(shard, directory_ / "c/0123");
  std::filesystem::create_symlink("../c/0123", directory_ / "b/set-train-00001.h5");
  EXPECT_EQ(shard_path(directory_ / "b/second.h5", "set-train-00001.h5"), directory_ / "b/set-train-00001.h5");
  EXPECT_EQ(shard_path(directory_ / "a/first.h5", "set-train-00001.h5"), directory_ / "a/set-train-00001.h5");
}

TEST_F(ImageSetTest, MissingAndIncompleteShardsAreErrors) {
  const FilePath shard = directory_ / "set-train-00001.h5";
  const std::uint64_t length = std::filesystem::file_size(shard);
  std::filesystem::resize_file(shard, length - 1);
  const auto error = [this] { return thrown_message<InputError>([this] { check_shard_lengths(index_, set_); }); };
  EXPECT_EQ(error(), fmt::format("{} has {} bytes but the index states {}: it is not completely copied, or of another "
                                 "set. Copy it again, or pack again.",
                                 shard.string(), length - 1, length));
  std::filesystem::remove(shard);
  EXPECT_EQ(error(), shard.string() +
                         " cannot be read: No such file or directory. Copy it beside the index, or pack "
                         "again.");
}

}  // namespace
}  // namespace incubate
