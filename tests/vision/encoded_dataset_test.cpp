#include "vision/encoded_dataset.h"

#include <atomic>
#include <deque>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/check.h"
#include "support/jpeg_file.h"
#include "support/small_image_set.h"
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
  const std::string message = thrown_message<DamagedSampleError>([&] { images.open(0)->image(); });
  EXPECT_TRUE(message.starts_with((directory / "set-train-00000.h5").string() + ": image 0 of it is damaged: the file "
                                                                                "ends early."))
      << message;
}

class EncodedSetTest : public testing::Test {
 protected:
  std::string error_of(const EncodedDataset& images, std::int64_t index) {
    return thrown_message<DamagedSampleError>([&] { images.read(index); });
  }
  std::string message(std::int64_t image, const std::string& what) const {
    return fmt::format(
        "{}: image {} of it is damaged: {}. Copy the shard again, or run the same 'incubate pack' again, which makes "
        "damaged shards anew.",
        shard_.string(), image, what);
  }
  /// Changes the last byte of image `image` of the second shard, in place.
  void damage(std::int64_t image) const {
    const ShardFile file = read_shard(shard_);
    const auto place = static_cast<std::streamoff>(file.first_byte + file.shard.table.offsets[image] +
                                                   file.shard.table.lengths[image] - 1);
    std::fstream stream(shard_, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekp(place);
    stream.put('\xEE');
  }

  TemporaryDirectory directory_;
  FilePath index_ = write_small_image_set(directory_.path());
  FilePath shard_ = directory_ / "set-train-00001.h5";
};

TEST_F(EncodedSetTest, GivesEveryImageWithItsLabelAndSize) {
  for (const Split split : {Split::train, Split::validation}) {
    const EncodedDataset images(index_, split);
    ASSERT_EQ(images.num_images(), split == Split::train ? 10 : 3);
    for (std::int64_t i = 0; i < images.num_images(); ++i) {
      EXPECT_EQ(images.label(i), i % 2);
      EXPECT_EQ(images.height(i), 10 + i);
      EXPECT_EQ(images.width(i), 20 + i);
      EXPECT_EQ(images.read(i), small_encoded_image(split, i));
      EXPECT_EQ(images.length(i), static_cast<std::int64_t>(images.read(i).size()));
    }
  }
}

TEST_F(EncodedSetTest, ManyThreadsMayRead) {
  const EncodedDataset images(index_, Split::train);
  std::atomic<int> num_right = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 8; ++thread) {
      threads.emplace_back([&, thread] {
        for (std::int64_t k = 0; k < 200; ++k) {
          const std::int64_t i = ((k * 7) + thread) % 10;
          if (images.read(i) == small_encoded_image(Split::train, i)) ++num_right;
        }
      });
    }
  }
  EXPECT_EQ(num_right, 8 * 200);
}

TEST_F(EncodedSetTest, ADamagedImageIsNamedAndTheOthersAreReadAllTheSame) {
  damage(2);
  const EncodedDataset images(index_, Split::train);
  EXPECT_EQ(error_of(images, 6), message(2, "its checksum is not the one stated"));
  EXPECT_EQ(images.read(5), small_encoded_image(Split::train, 5));
  EXPECT_EQ(images.read(7), small_encoded_image(Split::train, 7));
}

TEST_F(EncodedSetTest, AShardThatIsTruncatedWhileReadingIsAnError) {
  const EncodedDataset images(index_, Split::train);
  EXPECT_EQ(images.read(9), small_encoded_image(Split::train, 9));
  const ShardFile file = read_shard(shard_);
  std::filesystem::resize_file(shard_, file.first_byte + file.shard.table.offsets[5] + 3);
  EXPECT_EQ(error_of(images, 9), message(5, "the file ends at its byte 3 of 7"));
}

TEST_F(EncodedSetTest, NoMemoryIsTakenForAnImageThatItsShardIsTooShortFor) {
  ImageSet set = read_image_set(index_);
  set.train.shard_lengths[1] = std::uint64_t{1} << 61;
  set.train.table.lengths[9] = std::uint64_t{1} << 60;
  const EncodedDataset images(index_, set, Split::train);
  EXPECT_EQ(error_of(images, 9), message(5, "the file ends before it does"));
  EXPECT_EQ(images.read(8), small_encoded_image(Split::train, 8));
}

TEST_F(EncodedSetTest, AShardThatIsReplacedBeforeItIsOpenedIsAnError) {
  const EncodedDataset images(index_, Split::train);
  std::vector<std::uint8_t> bytes;
  ImageShard other = make_small_shard(Split::validation, 1, 4, 10, bytes);  // of the same lengths
  other.split = Split::train;
  write_shard(shard_, other, bytes);
  EXPECT_EQ(error_of(images, 4), message(0, "its checksum is not the one stated"));
}

TEST_F(EncodedSetTest, AShardThatIsReplacedAfterItWasOpenedIsReadToTheEnd) {
  const EncodedDataset images(index_, Split::train);
  EXPECT_EQ(images.read(4), small_encoded_image(Split::train, 4));
  std::filesystem::remove(shard_);
  EXPECT_EQ(images.read(5), small_encoded_image(Split::train, 5));
}

TEST_F(EncodedSetTest, AShardThatIsGoneIsAnErrorAndReadOnceItIsBack) {
  const EncodedDataset images(index_, Split::train);
  std::filesystem::rename(shard_, directory_ / "elsewhere");
  EXPECT_EQ(error_of(images, 4),
            shard_.string() +
                ": image 0 of it cannot be read: the file is missing. Copy the shard again, or run the same 'incubate "
                "pack' again, which makes damaged shards anew.");
  std::filesystem::rename(directory_ / "elsewhere", shard_);
  EXPECT_EQ(images.read(4), small_encoded_image(Split::train, 4));
}

TEST_F(EncodedSetTest, MissingOrTruncatedShardsAreFoundAtTheStart) {
  std::filesystem::resize_file(shard_, std::filesystem::file_size(shard_) - 1);
  EXPECT_THROW(EncodedDataset(index_, Split::train), DamagedFileError);
  EXPECT_NO_THROW(EncodedDataset(index_, Split::validation));
  std::filesystem::remove(shard_);
  EXPECT_THROW(EncodedDataset(index_, Split::train), DamagedFileError);
}

TEST_F(EncodedSetTest, ADamagedCopyIsRemovedAndItsShardReadFromTheSource) {
  const FilePath copies = directory_ / "copies";
  std::filesystem::create_directory(copies);
  for (const char* name : {"set-train-00000.h5", "set-train-00001.h5"}) {
    std::filesystem::copy_file(directory_ / name, copies / name);
  }
  std::fstream(copies / "set-train-00001.h5", std::ios::binary | std::ios::in | std::ios::out)
      << std::string(std::filesystem::file_size(shard_), '\0');
  const EncodedDataset images(index_, Split::train, copies);
  for (std::int64_t i = 0; i < 10; ++i) EXPECT_EQ(images.read(i), small_encoded_image(Split::train, i));
  EXPECT_TRUE(std::filesystem::exists(copies / "set-train-00000.h5"));
  EXPECT_FALSE(std::filesystem::exists(copies / "set-train-00001.h5"));
  std::filesystem::remove(shard_);
  EXPECT_EQ(images.read(4), small_encoded_image(Split::train, 4));  // the source is open
}

TEST_F(EncodedSetTest, AShardThatCannotBeOpenedIsNotDamaged) {
  std::filesystem::remove(shard_);
  std::filesystem::create_symlink(shard_, shard_);
  const EncodedDataset images(index_, read_image_set(index_), Split::train);
  try {
    images.read(4);
    FAIL();
  } catch (const DamagedFileError& error) {
    FAIL() << error.what();
  } catch (const UnreadableFileError& error) {
    EXPECT_TRUE(std::string(error.what())
                    .starts_with(shard_.string() + " cannot be opened: Too many levels of symbolic links ("));
  }
}

TEST_F(EncodedSetTest, FewOpenFilesAreEnough) {
  const rlimit few = {.rlim_cur = 32, .rlim_max = 32};
  EXPECT_EXIT(
      {
        setrlimit(RLIMIT_NOFILE, &few);
        std::deque<EncodedDataset> many;
        for (int i = 0; i < 20; ++i) many.emplace_back(index_, Split::train);
        bool is_right = true;
        for (int i = 0; i < 200; ++i) {
          is_right = is_right && many[i % 20].read(i % 10) == small_encoded_image(Split::train, i % 10);
        }
        std::_Exit(is_right ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(EncodedSetTest, OtherProgramsDoNotInheritItsFiles) {
  const EncodedDataset images(index_, Split::train);
  images.read(0);
  images.read(4);
  int num_open = 0;
  for (int descriptor = 3; descriptor < 64; ++descriptor) {
    std::error_code error;
    const auto file = std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", descriptor), error);
    if (error || file.parent_path() != std::filesystem::canonical(directory_.path())) continue;
    ++num_open;
    EXPECT_NE(::fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0) << file;
  }
  EXPECT_EQ(num_open, 2);  // one for each shard
}

}  // namespace
}  // namespace incubate
