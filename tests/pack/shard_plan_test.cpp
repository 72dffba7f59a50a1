#include "pack/shard_plan.h"

#include <algorithm>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "base/check.h"

namespace incubate {
namespace {

/// Returns files of ten classes, sorted; file i has 100 + i bytes.
std::vector<SourceFile> make_files(std::int64_t count) {
  std::vector<SourceFile> files;
  for (std::int64_t i = 0; i < count; ++i) {
    files.push_back(
        {.label = i * 10 / count, .name = fmt::format("c/{:06}", i), .bytes = 100 + i, .modified_ns = 1'000'000 + i});
  }
  return files;
}

using Begins = std::vector<std::size_t>;

TEST(ShardPlan, TheOrderHasEachFileOnceAndIsAlwaysTheSame) {
  const std::vector<SourceFile> files = make_files(1000);
  const std::vector<SourceFile> ordered = order_files(files, Split::train);
  EXPECT_NE(ordered, files);
  EXPECT_EQ(order_files(files, Split::train), ordered);
  EXPECT_NE(order_files(files, Split::validation), ordered);
  std::vector<SourceFile> sorted = ordered;
  std::ranges::sort(sorted, {}, &SourceFile::name);
  EXPECT_EQ(sorted, files);
}

TEST(ShardPlan, NeighboursAreOfMixedClasses) {
  const std::vector<SourceFile> ordered = order_files(make_files(1000), Split::train);
  for (std::size_t begin = 0; begin < ordered.size(); begin += 100) {
    std::set<std::int64_t> labels;
    for (std::size_t i = begin; i < begin + 100; ++i) labels.insert(ordered[i].label);
    EXPECT_GE(labels.size(), 9);  // that 100 of 10 classes lack two has a chance of about 1e-7
  }
}

TEST(ShardPlan, APartEndsWithWhatFillsIt) {
  const std::vector<std::int64_t> weights = {3, 3, 3, 10, 1, 1};
  EXPECT_EQ(cut_into_parts(weights, 6), (Begins{0, 2, 4, 6}));
  EXPECT_EQ(cut_into_parts(weights, 100), (Begins{0, 6}));
  EXPECT_EQ(cut_into_parts(weights, 1), (Begins{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(cut_into_parts({}, 6), Begins{0});
}

TEST(ShardPlan, ShardsAreEquallyLargeAndNoneIsMuchTooLarge) {
  const std::vector<SourceFile> files = order_files(make_files(5000), Split::train);  // 13 MB
  const Begins begins = cut_into_shards(files, 2'000'000, 0);
  ASSERT_EQ(begins.size(), 1 + 7);
  const std::int64_t total = 5000 * 100 + 5000 * 4999 / 2;
  for (std::size_t i = 0; i + 1 < begins.size(); ++i) {
    std::int64_t bytes = 0;
    for (std::size_t k = begins[i]; k < begins[i + 1]; ++k) bytes += files[k].bytes;
    EXPECT_NEAR(static_cast<double>(bytes), static_cast<double>(total) / 7, 7 * 5100);
  }
}

TEST(ShardPlan, WithAMeanSizeShardsHaveEquallyManyFiles) {
  EXPECT_EQ(cut_into_shards(make_files(100), 1000, 30), (Begins{0, 34, 68, 100}));
  EXPECT_EQ(cut_into_shards(make_files(100), 1'000'000, 30), (Begins{0, 100}));
}

TEST(ShardPlan, TheDigestNamesOptionsAndAllOfAFile) {
  const std::vector<SourceFile> files = make_files(3);
  const std::string digest = source_digest("quality 90", files);
  EXPECT_EQ(source_digest("quality 90", make_files(3)), digest);
  EXPECT_NE(source_digest("quality 91", files), digest);
  for (const auto& change : std::vector<void (*)(SourceFile&)>{
           [](SourceFile& f) { f.label = 9; }, [](SourceFile& f) { f.name += "x"; },
           [](SourceFile& f) { f.bytes += 1; }, [](SourceFile& f) { f.modified_ns += 1; }}) {
    std::vector<SourceFile> others = files;
    change(others[1]);
    EXPECT_NE(source_digest("quality 90", others), digest);
  }
}

}  // namespace
}  // namespace incubate
