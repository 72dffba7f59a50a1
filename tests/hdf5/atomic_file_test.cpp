#include "hdf5/atomic_file.h"

#include <fstream>

#include <gtest/gtest.h>

#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

class AtomicFile : public testing::Test {
 protected:
  std::size_t num_files() const {
    return std::distance(std::filesystem::directory_iterator(directory_.path()), std::filesystem::directory_iterator());
  }
  static void write(const FilePath& path, const std::string& text) { std::ofstream(path) << text; }

  TemporaryDirectory directory_;
  FilePath path_ = directory_ / "f";
};

TEST_F(AtomicFile, ReplacesTheWholeFile) {
  replace_text_atomically(path_, "a longer text");
  replace_text_atomically(path_, std::string_view("new\0bytes", 9));
  EXPECT_EQ(read_text(path_), std::string("new\0bytes", 9));
  EXPECT_EQ(num_files(), 1);
}

TEST_F(AtomicFile, OldFileIsThereUntilTheNewOneIsComplete) {
  replace_text_atomically(path_, "old");
  replace_atomically(
      path_,
      [&](const FilePath& temporary) {
        write(temporary, "new");
        EXPECT_EQ(read_text(path_), "old");
      },
      [&] { EXPECT_EQ(read_text(path_), "old"); });
  EXPECT_EQ(read_text(path_), "new");
}

TEST_F(AtomicFile, AWriterThatThrowsLeavesTheOldFileAndNothingElse) {
  replace_text_atomically(path_, "old");
  EXPECT_EQ(thrown_message<std::runtime_error>([&] {
              replace_atomically(path_, [](const FilePath& temporary) {
                write(temporary, "half");
                throw std::runtime_error("disk full");
              });
            }),
            "disk full");
  EXPECT_EQ(read_text(path_), "old");
  EXPECT_EQ(num_files(), 1);
}

TEST_F(AtomicFile, MayBeRefusedBeforeTheRename) {
  EXPECT_EQ(thrown_message<std::runtime_error>([&] {
              replace_atomically(
                  path_, [](const FilePath& temporary) { write(temporary, "new"); },
                  [] { throw std::runtime_error("lock lost"); });
            }),
            "lock lost");
  EXPECT_EQ(num_files(), 0);
}

TEST_F(AtomicFile, MissingDirectoryIsAnError) {
  const FilePath path = directory_ / "no/f";
  EXPECT_EQ(thrown_message<std::runtime_error>([&] { replace_text_atomically(path, "x"); }),
            "cannot write " + path.string() + ": No such file or directory");
}

TEST_F(AtomicFile, ReadingAMissingFileIsAnError) {
  EXPECT_EQ(thrown_message<std::runtime_error>([&] { read_text(path_); }),
            "cannot read " + path_.string() + ": No such file or directory");
}

}  // namespace
}  // namespace incubate
