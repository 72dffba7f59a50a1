#include "hdf5/verified_file.h"

#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/check.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

void fill_example(Hdf5File& file) {
  file.write_attribute("filetype", std::string("example"));
  std::vector<double> values(300);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
  file.write("/group/values", values);
  file.write_strings("/names", {"a", "b"});
}

class VerifiedFile : public testing::Test {
 protected:
  VerifiedFile() { write_verified_file(path_, fill_example); }
  void SetUp() override { bytes_ = read_text(path_); }

  void replace(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }
  std::string error() const {
    return thrown_message<InputError>([this] { verify_file(path_); });
  }

  TemporaryDirectory directory_;
  FilePath path_ = directory_ / "f.h5";
  std::string bytes_;
};

TEST_F(VerifiedFile, IntactFilePassesAndIsHdf5) {
  EXPECT_EQ(error(), "(no error)");
  EXPECT_EQ(Hdf5File::open(path_).read<double>("/group/values").at(299), 299);
}

TEST_F(VerifiedFile, BeginsWithMagicVersionAndLength) {
  EXPECT_EQ(bytes_.substr(0, 8), "INCUBATE");
  EXPECT_EQ(bytes_.substr(8, 8), std::string("\1\0\0\0\0\0\0\0", 8));
  std::uint64_t length = 0;
  std::memcpy(&length, bytes_.data() + 16, sizeof(length));
  EXPECT_EQ(length, bytes_.size() - 512);
  EXPECT_EQ(bytes_.substr(512, 8), "\211HDF\r\n\032\n");
}

TEST_F(VerifiedFile, EqualContentMakesEqualBytes) {
  const FilePath other = directory_ / "other_name.h5";
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // HDF5 could put the time in, in seconds
  write_verified_file(other, fill_example);
  EXPECT_EQ(read_text(other), bytes_);
  EXPECT_EQ(stated_digest(other), stated_digest(path_));
}

TEST_F(VerifiedFile, OtherContentHasAnotherDigest) {
  const std::string before = stated_digest(path_);
  write_verified_file(path_, [](Hdf5File& file) { file.write("/x", std::vector<double>{1}); });
  EXPECT_NE(stated_digest(path_), before);
  EXPECT_EQ(before.size(), 16);
}

TEST_F(VerifiedFile, EveryFlippedByteOfTheFirstBlockIsFound) {
  for (std::size_t place = 0; place < kUserBlockBytes; ++place) {
    std::string damaged = bytes_;
    damaged[place] = static_cast<char>(damaged[place] ^ 1);
    replace(damaged);
    EXPECT_NE(error(), "(no error)") << "byte " << place;
  }
}

TEST_F(VerifiedFile, FlippedBytesOfTheRestAreFound) {
  const std::size_t stride = (bytes_.size() - kUserBlockBytes) / 400;
  ASSERT_GT(stride, 0);
  for (std::size_t place = kUserBlockBytes; place < bytes_.size(); place += stride) {
    std::string damaged = bytes_;
    damaged[place] = static_cast<char>(damaged[place] ^ 0x80);
    replace(damaged);
    EXPECT_TRUE(error().starts_with(path_.string() + " is damaged: its content has the checksum ")) << "byte " << place;
  }
}

TEST_F(VerifiedFile, TruncationIsFoundAtEveryLength) {
  for (const std::size_t length : {bytes_.size() - 1, bytes_.size() / 2, std::size_t{513}, std::size_t{512}}) {
    replace(bytes_.substr(0, length));
    EXPECT_EQ(error(), path_.string() + " has " + std::to_string(length - 512) +
                           " bytes after its first block but states " + std::to_string(bytes_.size() - 512) +
                           ": it is truncated or not completely copied. Make or copy it again.");
  }
  for (const std::size_t length : {511, 31, 1, 0}) {
    replace(bytes_.substr(0, length));
    EXPECT_EQ(error(), path_.string() + " is truncated: it has " + std::to_string(length) +
                           " bytes, fewer than its first block of 512. Make or copy it again.");
  }
}

TEST_F(VerifiedFile, AppendedBytesAreFound) {
  replace(bytes_ + '\0');
  EXPECT_EQ(error(), path_.string() + " has " + std::to_string(bytes_.size() - 511) +
                         " bytes after its first block but states " + std::to_string(bytes_.size() - 512) +
                         ": it is truncated or not completely copied. Make or copy it again.");
}

TEST_F(VerifiedFile, IsReadOnlyWhenItIsIntact) {
  const auto read = [](const Hdf5File& file) { return file.read<double>("/group/values").at(299); };
  EXPECT_EQ(read_verified_file(path_, read), 299);
  replace(bytes_.substr(0, bytes_.size() - 1));
  EXPECT_THROW(read_verified_file(path_, read), DamagedFileError);
}

TEST_F(VerifiedFile, ContentOfAnotherKindIsTheUsersError) {
  std::vector<double> two(2);
  EXPECT_EQ(thrown_message<InputError>([&] {
              read_verified_file(path_, [&two](const Hdf5File& file) { file.read_into<double>("/group/values", two); });
            }),
            path_.string() + ": cannot read '/group/values' in " + path_.string() +
                ": it has 300 values, not 2. It is intact but not what this program writes. Make or copy it again.");
  EXPECT_EQ(thrown_message<InputError>(
                [&] { read_verified_file(path_, [](const Hdf5File& /*file*/) { throw InputError("as it is"); }); }),
            "as it is");
}

TEST_F(VerifiedFile, OtherFilesAreNotOurs) {
  replace(bytes_.substr(512));
  EXPECT_EQ(error(),
            path_.string() + " is not a file of this program (it does not begin with INCUBATE). Check the path.");
}

TEST_F(VerifiedFile, NewerVersionsAreRefused) {
  std::string newer = bytes_;
  newer[8] = 2;
  replace(newer);
  EXPECT_EQ(error(),
            path_.string() + " has a first block of version 2; this program knows version 1. Use a newer one.");
}

TEST_F(VerifiedFile, MissingFilesAndDirectoriesAreRefused) {
  const FilePath missing = directory_ / "none.h5";
  const std::string message = missing.string() + " cannot be read: No such file or directory. Check the path.";
  EXPECT_EQ(thrown_message<InputError>([&] { verify_file(missing); }), message);
  EXPECT_EQ(thrown_message<InputError>([&] { stated_digest(missing); }), message);
  EXPECT_TRUE(thrown_message<InputError>([&] {
                verify_file(directory_.path());
              }).starts_with(directory_.path().string() + " cannot be read: "));
}

TEST_F(VerifiedFile, AFileIsVerifiedOnce) {
  VerifiedFiles verified;
  verify_once(path_, verified);
  replace(bytes_.substr(0, 600));
  EXPECT_NO_THROW(verify_once(path_, verified));
  VerifiedFiles none;
  EXPECT_THROW(verify_once(path_, none), DamagedFileError);
  EXPECT_TRUE(none.empty());
}

TEST_F(VerifiedFile, WhatCannotBeReadIsNotCalledDamaged) {
  const FilePath memory = "/proc/self/mem";  // its beginning is not mapped: reading fails
  EXPECT_EQ(thrown_message<UnreadableFileError>([&] { verify_file(memory); }),
            memory.string() + " cannot be read: Input/output error. Check the disk, or copy it again.");
  try {
    verify_file(memory);
  } catch (const DamagedFileError&) {
    ADD_FAILURE();
  } catch (const UnreadableFileError&) {
  }
}

TEST_F(VerifiedFile, AFileThatAnotherProgramHasOpenIsRead) {
  const int other = ::open(path_.c_str(), O_RDWR);
  ASSERT_EQ(::flock(other, LOCK_EX), 0);  // as HDF5 does to write
  const auto read = [](const Hdf5File& file) { return file.read<double>("/group/values").at(299); };
  EXPECT_EQ(read_verified_file(path_, read), 299);
  ASSERT_EQ(::pwrite(other, "x", 1, 600), 1);
  EXPECT_EQ(error(), path_.string() +
                         " is held open by another program, which is changing it. Close it there, and start again.");
  ::close(other);
  EXPECT_THROW(verify_file(path_), DamagedFileError);
}

TEST_F(VerifiedFile, AFillThatThrowsLeavesTheOldFileAndNothingElse) {
  EXPECT_EQ(thrown_message<std::runtime_error>([&] {
              write_verified_file(path_, [](Hdf5File& file) {
                file.write("/x", std::vector<double>{1});
                throw std::runtime_error("stopped");
              });
            }),
            "stopped");
  EXPECT_EQ(read_text(path_), bytes_);
  EXPECT_FALSE(std::filesystem::exists(path_.string() + ".tmp"));
}

TEST_F(VerifiedFile, AnOutputReplacesFilesOfItsOwnKindAlone) {
  const FilePath output = directory_ / "output.h5";
  const auto error = [&] {
    return thrown_message<InputError>([&] { check_replaceable(output, {"numbers", "words"}); });
  };
  EXPECT_EQ(error(), "(no error)");
  for (const std::string type : {"numbers", "words", "weights"}) {
    write_verified_file(output, [&](Hdf5File& file) { file.write_attribute("filetype", type); });
    EXPECT_EQ(error(), type != "weights" ? "(no error)"
                                         : output.string() +
                                               " would be replaced by a file of type 'numbers', but is of type "
                                               "'weights'. Choose another --output, or remove that file.");
  }
  std::filesystem::resize_file(output, std::filesystem::file_size(output) - 1);  // damaged
  EXPECT_EQ(error(), "(no error)");
  for (const std::size_t size : {0, 100, 5000}) {  // zeros
    replace_text_atomically(output, std::string(size, '\0'));
    EXPECT_EQ(error(), "(no error)");
  }
  replace_text_atomically(output, "notes");
  EXPECT_EQ(error(),
            output.string() +
                " would be replaced by a file of type 'numbers', but is no file of this program. Choose another "
                "--output, or remove that file.");
}

}  // namespace
}  // namespace incubate
