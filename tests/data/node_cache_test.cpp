#include "data/node_cache.h"

#include <fstream>

#include <gtest/gtest.h>

#include "base/check.h"
#include "hdf5/atomic_file.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

class NodeCacheTest : public testing::Test {
 protected:
  NodeCacheTest() {
    for (const char* name : {"a.h5", "b.h5", "c.h5"}) {
      const std::filesystem::path path = directory_ / name;
      replace_text_atomically(path, std::string("content of ") + name);
      files_.push_back({path, std::filesystem::file_size(path)});
    }
  }

  /// Returns the bytes copied.
  std::uintmax_t fill(std::int64_t rank, std::int64_t num_ranks) const {
    std::uintmax_t sum = 0;
    fill_cache(cache_, files_, rank, num_ranks, [&sum](std::uintmax_t bytes) { sum += bytes; });
    return sum;
  }

  TemporaryDirectory directory_;
  std::filesystem::path cache_ = directory_ / "node/cache";
  std::vector<CachedFile> files_;
};

TEST_F(NodeCacheTest, RanksOfANodeCopyEachFileOnce) {
  prepare_cache(cache_, files_);
  EXPECT_EQ(fill(0, 2), files_[0].bytes + files_[2].bytes);
  EXPECT_EQ(fill(1, 2), files_[1].bytes);
  for (const CachedFile& file : files_) EXPECT_EQ(read_text(cached_path(cache_, file)), read_text(file.source));
  EXPECT_EQ(fill(0, 2), 0);  // the next start
}

TEST_F(NodeCacheTest, WhatIsNotWholeIsCopiedAgain) {
  prepare_cache(cache_, files_);
  replace_text_atomically(cached_path(cache_, files_[1]), "cut");
  EXPECT_EQ(fill(0, 1), files_[0].bytes + files_[1].bytes + files_[2].bytes);
  EXPECT_EQ(read_text(cached_path(cache_, files_[1])), "content of b.h5");
}

TEST_F(NodeCacheTest, SpaceIsCheckedFirst) {
  files_[1].bytes = std::uintmax_t{1} << 60;
  const std::string message = thrown_message<InputError>([&] { prepare_cache(cache_, files_); });
  EXPECT_TRUE(message.starts_with("data.cache=node needs 1152921504.61 GB in " + cache_.string() + ", where "))
      << message;
  for (const CachedFile& file : files_) EXPECT_FALSE(std::filesystem::exists(cached_path(cache_, file)));
}

TEST_F(NodeCacheTest, WhatIsThereNeedsNoSpace) {
  prepare_cache(cache_, files_);
  fill(0, 1);
  // A hole takes no space, but counts as a file of its size.
  std::filesystem::resize_file(cached_path(cache_, files_[1]), std::uintmax_t{1} << 42);
  files_[1].bytes = std::uintmax_t{1} << 42;
  EXPECT_NO_THROW(prepare_cache(cache_, files_));
}

TEST_F(NodeCacheTest, AFileThatChangedIsNotTaken) {
  prepare_cache(cache_, files_);
  files_[0].bytes += 1;
  const std::string message = thrown_message<std::runtime_error>([&] { fill(0, 1); });
  EXPECT_TRUE(message.starts_with(files_[0].source.string() + " cannot be copied to " + cache_.string() + "/a.h5."))
      << message;
  EXPECT_TRUE(message.ends_with(": 15 of 16 bytes came through.")) << message;
  EXPECT_TRUE(std::filesystem::is_empty(cache_));
}

TEST_F(NodeCacheTest, PlaceThatCannotBeMadeIsTheUsersError) {
  replace_text_atomically(directory_ / "node", "a file");
  EXPECT_EQ(thrown_message<InputError>([&] { prepare_cache(cache_, files_); }),
            "data.cache_directory: " + cache_.string() + " cannot be made: Not a directory. Choose another place.");
}

}  // namespace
}  // namespace incubate
