#include "hdf5/atomic_file.h"

#include <cerrno>
#include <chrono>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/process.h"
#include "support/ended_process.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace {

int folder_sync_error = 0;  // what this process's file system says; 0 for none

}  // namespace

/// Stands before the C library's in this program.
extern "C" int fsync(int descriptor) {
  struct stat status = {};
  if (folder_sync_error != 0 && fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) {
    errno = folder_sync_error;
    return -1;
  }
  return static_cast<int>(syscall(SYS_fsync, descriptor));
}

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
      [&](const FilePath& draft) {
        write(draft, "new");
        EXPECT_EQ(read_text(path_), "old");
      },
      [&] { EXPECT_EQ(read_text(path_), "old"); });
  EXPECT_EQ(read_text(path_), "new");
}

TEST_F(AtomicFile, AWriterThatThrowsLeavesTheOldFileAndNothingElse) {
  replace_text_atomically(path_, "old");
  EXPECT_EQ(thrown_message<std::runtime_error>([&] {
              replace_atomically(path_, [](const FilePath& draft) {
                write(draft, "half");
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
                  path_, [](const FilePath& draft) { write(draft, "new"); },
                  [] { throw std::runtime_error("lock lost"); });
            }),
            "lock lost");
  EXPECT_EQ(num_files(), 0);
}

TEST_F(AtomicFile, WritersOfOneFileDoNotDisturbEachOther) {
  replace_atomically(path_, [&](const FilePath& draft) {
    write(draft, "one");
    replace_atomically(path_, [&](const FilePath& other) {
      write(other, "two");
      EXPECT_EQ(read_text(draft), "one");
    });
    EXPECT_EQ(read_text(path_), "two");
  });
  EXPECT_EQ(read_text(path_), "one");
  EXPECT_EQ(num_files(), 1);
}

TEST_F(AtomicFile, DraftsAreNamedAfterTheFileAndTheProcessAndNeverTwiceTheSame) {
  const FilePath draft = draft_of(path_);
  EXPECT_EQ(draft.parent_path(), directory_.path());
  EXPECT_TRUE(draft.filename().string().starts_with("f." + process_name() + ".")) << draft;
  EXPECT_EQ(draft.extension(), ".tmp");
  EXPECT_NE(draft, draft_of(path_));
}

TEST_F(AtomicFile, ANameThatJustFitsIsWritten) {
  const FilePath path = directory_ / std::string(255, 'a');
  replace_text_atomically(path, "x");
  EXPECT_EQ(read_text(path), "x");
}

TEST_F(AtomicFile, ADraftThatIsGoneThoughNothingHasTakenItsPlaceIsAnError) {
  replace_text_atomically(path_, "old");
  FilePath draft;
  const std::string message = thrown_message<std::runtime_error>([&] {
    replace_atomically(
        path_,
        [&](const FilePath& given) {
          draft = given;
          write(draft, "new");
        },
        [&] { std::filesystem::remove(draft); });
  });
  EXPECT_EQ(message, "cannot rename " + draft.string() + " to " + path_.string() + ": No such file or directory");
  EXPECT_EQ(read_text(path_), "old");
}

// NFS sends a rename again whose reply is lost: the draft is in its place, and the system says that it is not there.
TEST_F(AtomicFile, ARenameThatSucceedsAndReportsThatTheDraftIsMissingIsNone) {
  FilePath draft;
  replace_atomically(
      path_,
      [&](const FilePath& given) {
        draft = given;
        write(draft, "new");
      },
      [&] { std::filesystem::rename(draft, path_); });
  EXPECT_EQ(read_text(path_), "new");
}

TEST_F(AtomicFile, AFileSystemThatCannotSyncFoldersWillDo) {
  for (const int reason : {EINVAL, ENOTSUP, ENOSYS}) {
    folder_sync_error = reason;
    replace_text_atomically(path_, std::to_string(reason));
    EXPECT_EQ(read_text(path_), std::to_string(reason));
  }
  folder_sync_error = EIO;
  EXPECT_EQ(thrown_message<std::runtime_error>([&] { replace_text_atomically(path_, "x"); }),
            "cannot sync " + directory_.path().string() + ": Input/output error");
  folder_sync_error = 0;
}

TEST_F(AtomicFile, StaleDraftsGoWithTheNextWrite) {
  const auto draft_by = [this](const std::string& process, const std::string& end = ".0123abcd.incubate.tmp") {
    const FilePath draft = directory_ / ("other.h5." + process + end);
    write(draft, "half");
    return draft;
  };
  const auto make_old = [](const FilePath& draft) {
    std::filesystem::last_write_time(draft, std::filesystem::file_time_type::clock::now() - std::chrono::hours(25));
    return draft;
  };
  const std::string ended = ended_process_name();
  const FilePath dead = draft_by(ended);
  const FilePath old = make_old(draft_by("elsewhere.example.org.1.00000000.1.1"));
  const FilePath alive = make_old(draft_by(process_name()));
  const FilePath recent = draft_by("elsewhere.1.00000000.1.1");
  const FilePath not_ours = make_old(draft_by(ended, ".tmp"));
  replace_text_atomically(path_, "x");
  for (const FilePath& draft : {dead, old}) EXPECT_FALSE(std::filesystem::exists(draft)) << draft;
  for (const FilePath& draft : {alive, recent, not_ours}) EXPECT_TRUE(std::filesystem::exists(draft)) << draft;
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
