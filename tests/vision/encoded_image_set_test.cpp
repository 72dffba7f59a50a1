#include "vision/encoded_image_set.h"

#include <atomic>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/check.h"
#include "support/small_image_set.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

class EncodedImageSetTest : public testing::Test {
 protected:
  std::string error_of(const EncodedImageSet& images, std::int64_t index) {
    return thrown_message<DamagedImageError>([&] { images.read(index); });
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

TEST_F(EncodedImageSetTest, GivesEveryImageWithItsLabelAndSize) {
  for (const Split split : {Split::train, Split::validation}) {
    const EncodedImageSet images(index_, split);
    ASSERT_EQ(images.num_images(), split == Split::train ? 10 : 3);
    EXPECT_EQ(images.class_names(), (std::vector<std::string>{"cat", "dog"}));
    for (std::int64_t i = 0; i < images.num_images(); ++i) {
      EXPECT_EQ(images.label(i), i % 2);
      EXPECT_EQ(images.height(i), 10 + i);
      EXPECT_EQ(images.width(i), 20 + i);
      EXPECT_EQ(images.read(i), small_encoded_image(split, i));
      EXPECT_EQ(images.length(i), static_cast<std::int64_t>(images.read(i).size()));
    }
  }
}

TEST_F(EncodedImageSetTest, ManyThreadsMayRead) {
  const EncodedImageSet images(index_, Split::train);
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

TEST_F(EncodedImageSetTest, ADamagedImageIsNamedAndTheOthersAreReadAllTheSame) {
  damage(2);
  const EncodedImageSet images(index_, Split::train);
  EXPECT_EQ(error_of(images, 6), message(2, "its checksum is not the one stated"));
  EXPECT_EQ(images.read(5), small_encoded_image(Split::train, 5));
  EXPECT_EQ(images.read(7), small_encoded_image(Split::train, 7));
  try {
    images.read(6);
    FAIL();
  } catch (const DamagedImageError& error) {
    EXPECT_EQ(error.shard(), shard_);
    EXPECT_EQ(error.image(), 2);
  }
}

TEST_F(EncodedImageSetTest, AShardThatIsTruncatedWhileReadingIsAnError) {
  const EncodedImageSet images(index_, Split::train);
  EXPECT_EQ(images.read(9), small_encoded_image(Split::train, 9));
  const ShardFile file = read_shard(shard_);
  std::filesystem::resize_file(shard_, file.first_byte + file.shard.table.offsets[5] + 3);
  EXPECT_EQ(error_of(images, 9), message(5, "the file ends at its byte 3 of 7"));
}

TEST_F(EncodedImageSetTest, NoMemoryIsTakenForAnImageThatItsShardIsTooShortFor) {
  ImageSet set = read_image_set(index_);
  set.train.shard_lengths[1] = std::uint64_t{1} << 61;
  set.train.table.lengths[9] = std::uint64_t{1} << 60;
  const EncodedImageSet images(index_, set, Split::train);
  EXPECT_EQ(error_of(images, 9), message(5, "the file ends before it does"));
  EXPECT_EQ(images.read(8), small_encoded_image(Split::train, 8));
}

TEST_F(EncodedImageSetTest, AShardThatIsReplacedBeforeItIsOpenedIsAnError) {
  const EncodedImageSet images(index_, Split::train);
  std::vector<std::uint8_t> bytes;
  ImageShard other = make_small_shard(Split::validation, 1, 4, 10, bytes);  // of the same lengths
  other.split = Split::train;
  write_shard(shard_, other, bytes);
  EXPECT_EQ(error_of(images, 4), message(0, "its checksum is not the one stated"));
}

TEST_F(EncodedImageSetTest, AShardThatIsReplacedAfterItWasOpenedIsReadToTheEnd) {
  const EncodedImageSet images(index_, Split::train);
  EXPECT_EQ(images.read(4), small_encoded_image(Split::train, 4));
  std::filesystem::remove(shard_);
  EXPECT_EQ(images.read(5), small_encoded_image(Split::train, 5));
}

TEST_F(EncodedImageSetTest, AShardThatIsGoneIsAnErrorAndReadOnceItIsBack) {
  const EncodedImageSet images(index_, Split::train);
  std::filesystem::rename(shard_, directory_ / "elsewhere");
  EXPECT_EQ(error_of(images, 4),
            shard_.string() +
                ": image 0 of it cannot be read: the file is missing. Copy the shard again, or run the same 'incubate "
                "pack' again, which makes damaged shards anew.");
  std::filesystem::rename(directory_ / "elsewhere", shard_);
  EXPECT_EQ(images.read(4), small_encoded_image(Split::train, 4));
}

TEST_F(EncodedImageSetTest, MissingOrTruncatedShardsAreFoundAtTheStart) {
  std::filesystem::resize_file(shard_, std::filesystem::file_size(shard_) - 1);
  EXPECT_THROW(EncodedImageSet(index_, Split::train), DamagedFileError);
  EXPECT_NO_THROW(EncodedImageSet(index_, Split::validation));
  std::filesystem::remove(shard_);
  EXPECT_THROW(EncodedImageSet(index_, Split::train), DamagedFileError);
}

TEST_F(EncodedImageSetTest, ADamagedCopyIsRemovedAndItsShardReadFromTheSource) {
  const FilePath copies = directory_ / "copies";
  std::filesystem::create_directory(copies);
  for (const char* name : {"set-train-00000.h5", "set-train-00001.h5"}) {
    std::filesystem::copy_file(directory_ / name, copies / name);
  }
  std::fstream(copies / "set-train-00001.h5", std::ios::binary | std::ios::in | std::ios::out)
      << std::string(std::filesystem::file_size(shard_), '\0');
  const EncodedImageSet images(index_, Split::train, copies);
  for (std::int64_t i = 0; i < 10; ++i) EXPECT_EQ(images.read(i), small_encoded_image(Split::train, i));
  EXPECT_TRUE(std::filesystem::exists(copies / "set-train-00000.h5"));
  EXPECT_FALSE(std::filesystem::exists(copies / "set-train-00001.h5"));
  std::filesystem::remove(shard_);
  EXPECT_EQ(images.read(4), small_encoded_image(Split::train, 4));  // the source is open
}

TEST_F(EncodedImageSetTest, AShardThatCannotBeOpenedIsNotDamaged) {
  std::filesystem::remove(shard_);
  std::filesystem::create_symlink(shard_, shard_);
  const EncodedImageSet images(index_, read_image_set(index_), Split::train);
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

TEST_F(EncodedImageSetTest, FewOpenFilesAreEnough) {
  const rlimit few = {.rlim_cur = 32, .rlim_max = 32};
  EXPECT_EXIT(
      {
        setrlimit(RLIMIT_NOFILE, &few);
        std::vector<EncodedImageSet> many;
        for (int i = 0; i < 20; ++i) many.emplace_back(index_, Split::train);
        bool is_right = true;
        for (int i = 0; i < 200; ++i) {
          is_right = is_right && many[i % 20].read(i % 10) == small_encoded_image(Split::train, i % 10);
        }
        std::_Exit(is_right ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(EncodedImageSetTest, OtherProgramsDoNotInheritItsFiles) {
  const EncodedImageSet images(index_, Split::train);
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
