#include "pack/idx.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "hdf5/atomic_file.h"
#include "support/idx_file.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

class Idx : public testing::Test {
 protected:
  std::string error(int num_dimensions = 2) const {
    return thrown_message<InputError>([&] { read_idx(path_, num_dimensions); });
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "f";
  std::string name_ = path_;
};

TEST_F(Idx, PlainAndGzipFilesAreRead) {
  const std::string bytes = idx_bytes({2, 3}, {1, 2, 3, 250, 0, 255});
  for (const auto write : {write_plain, write_gzip}) {
    write(path_, bytes);
    const IdxArray array = read_idx(path_, 2);
    EXPECT_EQ(array.shape, (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(array.bytes, (std::vector<std::uint8_t>{1, 2, 3, 250, 0, 255}));
  }
}

// The file is larger than the pieces that are read at once (1 and 16 MiB).
TEST_F(Idx, LargeFilesAreReadWhole) {
  std::vector<std::uint8_t> data((std::size_t{1} << 24) + 5);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * 2654435761U >> 24);
  write_plain(path_, idx_bytes({static_cast<std::uint32_t>(data.size())}, data));
  EXPECT_TRUE(read_idx(path_, 1).bytes == data);
}

TEST_F(Idx, ExtentsAreBigEndian) {
  write_plain(path_, idx_bytes({0x0102, 1}, std::vector<std::uint8_t>(258)));
  EXPECT_EQ(read_idx(path_, 2).shape, (std::vector<std::int64_t>{258, 1}));
}

TEST_F(Idx, WrongMagicIsRefused) {
  write_plain(path_, idx_bytes({1, 1, 1}, {0}));
  EXPECT_EQ(error(), name_ +
                         " begins with 00000803, not 00000802 (IDX bytes of 2 dimensions). "
                         "Check that the file is the right one.");
  write_plain(path_, std::string("\0\0\x0d\2", 4) + std::string(20, '\0'));
  EXPECT_EQ(error(), name_ +
                         " begins with 00000d02, not 00000802 (IDX bytes of 2 dimensions). "
                         "Check that the file is the right one.");
  write_plain(path_, "");
  EXPECT_EQ(error(), name_ +
                         " begins with 00000000, not 00000802 (IDX bytes of 2 dimensions). "
                         "Check that the file is the right one.");
}

TEST_F(Idx, TruncatedHeaderIsRefused) {
  const std::string bytes = idx_bytes({2, 3}, {});
  for (const std::size_t length : {4, 7, 8, 11}) {
    write_plain(path_, bytes.substr(0, length));
    EXPECT_EQ(error(), name_ + " is truncated: its header ends early. Get or copy it again.") << length;
  }
}

TEST_F(Idx, TruncatedDataIsRefused) {
  for (const auto write : {write_plain, write_gzip}) {
    write(path_, idx_bytes({2, 3}, {1, 2, 3, 4, 5}));
    EXPECT_EQ(error(), name_ + " is truncated: it has 5 bytes of data, its header states 6. Get or copy it again.");
  }
}

TEST_F(Idx, TruncatedGzipStreamIsRefused) {
  std::vector<std::uint8_t> data(60000);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i * 2654435761U >> 24);
  write_gzip(path_, idx_bytes({60000, 1}, data));
  const std::string bytes = read_text(path_);
  for (const std::size_t part : {4, 2}) {
    write_plain(path_, bytes.substr(0, bytes.size() / part));
    EXPECT_TRUE(error().starts_with(name_ + " is truncated: it has ")) << error();
  }
}

TEST_F(Idx, DamagedGzipStreamIsRefused) {
  write_gzip(path_, idx_bytes({2, 3}, {1, 2, 3, 4, 5, 6}));
  std::string bytes = read_text(path_);
  bytes[bytes.size() - 8] = static_cast<char>(bytes[bytes.size() - 8] ^ 1);  // of the CRC-32 at its end
  write_plain(path_, bytes);
  EXPECT_TRUE(error().starts_with(name_ + " is damaged: ")) << error();
}

TEST_F(Idx, LongerDataIsRefused) {
  for (const auto write : {write_plain, write_gzip}) {
    write(path_, idx_bytes({2, 3}, {1, 2, 3, 4, 5, 6, 7}));
    EXPECT_EQ(error(), name_ + " is longer than the 6 bytes of data its header states. Get or copy it again.");
  }
}

TEST_F(Idx, ImpossibleExtentsAreRefused) {
  write_plain(path_, idx_bytes({0xffffffff, 0xffffffff}, {1}));
  EXPECT_EQ(error(), name_ + " states an impossible extent of 4294967295. Get it again.");
  write_plain(path_, idx_bytes({3, 0}, {}));
  EXPECT_EQ(error(), name_ + " states an impossible extent of 0. Get it again.");
}

// 4 GiB are stated; claiming them before bytes arrive would fail where memory is scarce.
TEST_F(Idx, LargeExtentsWithoutDataAreTruncated) {
  write_plain(path_, idx_bytes({0xffffffff, 1}, {1, 2}));
  EXPECT_EQ(error(),
            name_ + " is truncated: it has 2 bytes of data, its header states 4294967295. Get or copy it again.");
}

TEST_F(Idx, MissingFilesAndDirectoriesAreRefused) {
  EXPECT_EQ(error(), name_ + " cannot be read: No such file or directory. Check the path.");
  std::filesystem::create_directory(path_);
  EXPECT_EQ(error(), name_ + " cannot be read: Is a directory. Check the path.");
}

}  // namespace
}  // namespace incubate
