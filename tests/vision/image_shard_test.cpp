#include "vision/image_shard.h"

#include <fstream>

#include <gtest/gtest.h>

#include "base/check.h"
#include "support/small_image_set.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

constexpr const char* kAgain = " Make or copy it again.";

class ImageShardTest : public testing::Test {
 protected:
  std::string error_of(const ImageShard& shard) {
    write_shard(path_, shard, bytes_);
    return thrown_message<InputError>([this] { read_shard(path_); });
  }

  TemporaryDirectory directory_;
  FilePath path_ = directory_ / "shard.h5";
  std::vector<std::uint8_t> bytes_;
  ImageShard shard_ = make_small_shard(Split::validation, 3, 0, 4, bytes_);
};

TEST_F(ImageShardTest, ComesBackAsItWas) {
  shard_.problems = {{.kind = PackProblem::Kind::converted, .file = "train/cat/1.JPEG", .reason = "a PNG"},
                     {.kind = PackProblem::Kind::left_out, .file = "train/cat/2.JPEG", .reason = "it is empty"}};
  write_shard(path_, shard_, bytes_);
  EXPECT_NO_THROW(verify_file(path_));
  const ShardFile file = read_shard(path_);
  EXPECT_EQ(file.shard, shard_);
  EXPECT_EQ(file.length, std::filesystem::file_size(path_));
}

TEST_F(ImageShardTest, OnlyWithPngsItIsOfAVersionThatOlderProgramsRefuse) {
  const auto version = [this] {
    write_shard(path_, shard_, bytes_);
    EXPECT_EQ(read_shard(path_).shard, shard_);
    return Hdf5File::open(path_).read_int_attribute("version");
  };
  EXPECT_EQ(version(), 1);
  shard_.has_png = true;
  EXPECT_EQ(version(), 2);
}

TEST_F(ImageShardTest, SumsOfPixelsComeBack) {
  write_shard(path_, shard_, bytes_);
  EXPECT_TRUE(read_shard(path_).shard.sums.values.empty());  // as of an older program
  for (std::size_t i = 0; i < shard_.table.size(); ++i) {
    shard_.sums.num_pixels += std::int64_t{shard_.table.heights[i]} * shard_.table.widths[i];
  }
  shard_.sums.values = {1, 2, std::uint64_t{1} << 60};
  shard_.sums.squares = {3, 4, std::uint64_t{1} << 63};
  write_shard(path_, shard_, bytes_);
  EXPECT_EQ(read_shard(path_).shard, shard_);
  shard_.sums.values.pop_back();
  EXPECT_EQ(error_of(shard_),
            path_.string() + ": 2 sums of values and 3 of squares for 3 channels. Make or copy it again.");
}

TEST_F(ImageShardTest, FirstByteIsWhereTheImagesBeginInTheFile) {
  write_shard(path_, shard_, bytes_);
  const ShardFile file = read_shard(path_);
  const std::string content = read_text(path_);
  EXPECT_EQ(content.substr(file.first_byte, bytes_.size()), std::string(bytes_.begin(), bytes_.end()));
  EXPECT_GE(file.first_byte, kUserBlockBytes);
}

TEST_F(ImageShardTest, EqualContentMakesEqualFiles) {
  write_shard(path_, shard_, bytes_);
  const std::string first = read_text(path_);
  write_shard(directory_ / "other.h5", shard_, bytes_);
  EXPECT_EQ(read_text(directory_ / "other.h5"), first);
}

TEST_F(ImageShardTest, MayHaveNoImages) {
  bytes_.clear();
  ImageShard none = make_small_shard(Split::train, 0, 0, 0, bytes_);
  none.problems = {{.kind = PackProblem::Kind::left_out, .file = "a", .reason = "b"}};
  write_shard(path_, none, bytes_);
  EXPECT_EQ(read_shard(path_).shard, none);
  EXPECT_EQ(read_shard(path_).first_byte, 0);
}

TEST_F(ImageShardTest, LabelsAndSidesOutOfRangeAreErrors) {
  ImageShard bad = shard_;
  bad.table.labels[2] = 2;
  EXPECT_EQ(error_of(bad), path_.string() +
                               ": label 2 of image 2 is not below the number of classes, 2. Give a name "
                               "for every class.");
  bad = shard_;
  bad.table.heights[1] = 0;
  EXPECT_EQ(error_of(bad), path_.string() + ": the height of image 1, 0, is not in 1..65535." + kAgain);
  bad = shard_;
  bad.table.widths[3] = 65536;
  EXPECT_EQ(error_of(bad), path_.string() + ": the width of image 3, 65536, is not in 1..65535." + kAgain);
}

TEST_F(ImageShardTest, OffsetsThatDoNotAscendOrEndElsewhereAreErrors) {
  ImageShard bad = shard_;
  bad.table.offsets[2] = bad.table.offsets[1];
  EXPECT_EQ(error_of(bad), path_.string() + ": image 1 begins at byte 5 and ends at 5." + kAgain);
  bad = shard_;
  bad.table.offsets[0] = 1;
  EXPECT_EQ(error_of(bad), path_.string() + ": the first image begins at byte 1, not 0." + kAgain);
  bad = shard_;
  bad.table.offsets.pop_back();
  EXPECT_EQ(error_of(bad), path_.string() + ": 4 offsets for 4 labels, not one more." + kAgain);
}

TEST_F(ImageShardTest, ColumnsOfOtherLengthsAreErrors) {
  ImageShard bad = shard_;
  bad.table.checksums.push_back(0);
  EXPECT_EQ(error_of(bad), path_.string() + ": 5 checksums for 4 labels." + kAgain);
  bad = shard_;
  bad.files.pop_back();
  EXPECT_EQ(error_of(bad), path_.string() + ": 3 files for 4 labels." + kAgain);
}

TEST_F(ImageShardTest, FilesOfOtherTypesOrWithMissingPartsAreErrors) {
  write_verified_file(path_, [](Hdf5File& file) {
    file.write_attribute("filetype", std::string("incubate dataset"));
    file.write_attribute("version", std::int64_t{1});
  });
  EXPECT_EQ(thrown_message<InputError>([this] { read_shard(path_); }),
            path_.string() +
                " has the file type 'incubate dataset', not 'incubate image shard'. Name a file written by "
                "'incubate pack'.");
  write_verified_file(path_, [](Hdf5File& file) {
    file.write_attribute("filetype", kShardFiletype);
    file.write_attribute("version", kShardVersion);
    file.write_attribute("split", std::string("test"));
  });
  EXPECT_EQ(thrown_message<InputError>([this] { read_shard(path_); }),
            path_.string() + ": the split 'test' is neither train nor validation." + kAgain);
  write_verified_file(path_, [](Hdf5File& file) {
    file.write_attribute("filetype", kShardFiletype);
    file.write_attribute("version", kShardVersion);
    file.write_attribute("split", std::string("train"));
  });
  const std::string message = thrown_message<InputError>([this] { read_shard(path_); });
  EXPECT_TRUE(message.starts_with(path_.string() + ": cannot read attribute 'shard'")) << message;
}

}  // namespace
}  // namespace incubate
