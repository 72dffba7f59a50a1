#include "pack/pack_shard.h"

#include <fstream>

#include <gtest/gtest.h>

#include "base/check.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"
#include "vision/jpeg.h"
#include "vision/png.h"

namespace incubate {
namespace {

class PackShard : public testing::Test {
 protected:
  std::vector<std::uint8_t> add(const std::string& name, const std::vector<std::uint8_t>& bytes, std::int64_t label) {
    std::filesystem::create_directories((directory_ / name).parent_path());
    std::ofstream(directory_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    files_.push_back({.label = label, .name = name, .bytes = static_cast<std::int64_t>(bytes.size())});
    return bytes;
  }
  std::vector<std::uint8_t> pack() {
    return pack_files({.parts = parts_, .split_name = "val", .files = files_}, {}, shard_,
                      [this](std::int64_t bytes) { bytes_read_.push_back(bytes); });
  }

  TemporaryDirectory directory_;
  std::vector<SourcePart> parts_ = {{.folder = directory_.path(), .name = "archive"}};
  std::vector<SourceFile> files_;
  ImageShard shard_;
  std::vector<std::int64_t> bytes_read_;
};

TEST_F(PackShard, ImagesFollowEachOtherAndWhatIsOddIsListed) {
  const auto first = add("b/x.jpg", encode_jpeg(Image(4, 6, 3), 90), 1);
  add("a/empty.jpg", {}, 0);
  const auto second = add("a/y.png", encode_jpeg(Image(8, 2, 1), 90), 0);
  std::vector<std::uint8_t> both = first;
  both.insert(both.end(), second.begin(), second.end());
  EXPECT_EQ(pack(), both);
  EXPECT_EQ(shard_.table.offsets, (std::vector<std::uint64_t>{0, first.size()}));
  EXPECT_EQ(shard_.table.lengths, (std::vector<std::uint64_t>{first.size(), second.size()}));
  EXPECT_EQ(shard_.table.labels, (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(shard_.table.heights, (std::vector<std::int32_t>{4, 8}));
  EXPECT_EQ(shard_.table.widths, (std::vector<std::int32_t>{6, 2}));
  EXPECT_EQ(shard_.table.checksums, (std::vector<std::uint64_t>{image_checksum(first), image_checksum(second)}));
  EXPECT_EQ(shard_.files, (std::vector<std::string>{"b/x.jpg", "a/y.png"}));
  EXPECT_EQ(shard_.problems,
            (std::vector<PackProblem>{
                {.kind = PackProblem::Kind::left_out, .file = "val/a/empty.jpg", .reason = "it is empty"},
                {.kind = PackProblem::Kind::misnamed, .file = "val/a/y.png", .reason = "a JPEG"}}));
  EXPECT_EQ(bytes_read_, (std::vector<std::int64_t>{static_cast<std::int64_t>(first.size()), 0,
                                                    static_cast<std::int64_t>(second.size())}));
}

TEST_F(PackShard, SaysWhetherItHasPngs) {
  add("a/x.jpg", encode_jpeg(Image(4, 6, 3), 90), 0);
  pack();
  EXPECT_FALSE(shard_.has_png);
  add("a/y.png", encode_png(Image(4, 6, 3)), 0);
  pack();
  EXPECT_TRUE(shard_.has_png);
}

TEST_F(PackShard, FilesThatChangeOrGoMeanwhileAreErrors) {
  add("a/x.jpg", encode_jpeg(Image(4, 6, 3), 90), 0);
  const std::string path = (directory_ / "a/x.jpg").string();
  for (const int more : {-1, 1}) {
    std::filesystem::resize_file(path, files_[0].bytes + more);
    EXPECT_EQ(thrown_message<InputError>([this] { pack(); }),
              fmt::format("{} had {} bytes when the folder was listed and has others now. Start again when nothing "
                          "changes it.",
                          path, files_[0].bytes));
  }
  std::filesystem::remove(path);
  EXPECT_EQ(thrown_message<InputError>([this] { pack(); }),
            path + " cannot be read: No such file or directory. Mend it or take it away, and start again.");
}

TEST_F(PackShard, ImagesInAnArchiveAreReadFromTheirPlace) {
  const std::vector<std::uint8_t> image = encode_jpeg(Image(4, 6, 3), 90);
  std::vector<std::uint8_t> archive(512, 0);
  archive.insert(archive.end(), image.begin(), image.end());
  archive.resize(4096);
  add("archive", archive, 0);
  SourceFile& file = files_.front();
  file = {.name = "a/x.jpg",
          .bytes = static_cast<std::int64_t>(image.size()),
          .modified_ns = look_at(directory_ / "archive").modified_ns,
          .offset = 512};
  EXPECT_EQ(pack(), image);
  EXPECT_EQ(shard_.files, std::vector<std::string>{"a/x.jpg"});
  file.modified_ns -= 1;
  EXPECT_EQ(
      thrown_message<InputError>([this] { pack(); }),
      (directory_ / "archive").string() + " was changed after it was listed. Start again when nothing changes it.");
}

TEST_F(PackShard, MeasuredAreTheImagesThatWouldBePacked) {
  const auto image = add("a/x.jpg", encode_jpeg(Image(4, 6, 3), 90), 0);
  add("a/empty.jpg", {}, 0);
  const PackedSize size = measure_files({.parts = parts_, .split_name = "train", .files = files_}, {});
  EXPECT_EQ(size.bytes, static_cast<std::int64_t>(image.size()));
  EXPECT_EQ(size.images, 1);
}

}  // namespace
}  // namespace incubate
