#include "data/damaged_samples.h"

#include <gtest/gtest.h>

#include "support/thrown_message.h"

namespace incubate {
namespace {

/// The samples that were used, those in `damaged` being so.
std::vector<std::int64_t> use(DamagedSamples& samples, std::int64_t index, const std::set<std::int64_t>& damaged) {
  std::vector<std::int64_t> used;
  samples.use(index, [&](std::int64_t i) {
    if (damaged.contains(i)) throw DamagedSampleError("a.h5: sample " + std::to_string(i) + " is odd.");
    used.push_back(i);
  });
  return used;
}

const std::string kReason = "a.h5: sample 3 is odd.";

TEST(DamagedSamples, EndTheRunUnlessTheyMayBeSkipped) {
  DamagedSamples samples(OnDataError::fail, 5);
  EXPECT_EQ(use(samples, 2, {3}), std::vector<std::int64_t>({2}));
  EXPECT_EQ(thrown_message<DamagedSampleError>([&] { use(samples, 3, {3}); }), kReason);
  EXPECT_TRUE(samples.take_messages().empty());
}

TEST(DamagedSamples, TheNextOneStandsIn) {
  DamagedSamples samples(OnDataError::skip, 5);
  EXPECT_EQ(use(samples, 2, {3}), std::vector<std::int64_t>({2}));
  EXPECT_EQ(use(samples, 3, {3}), std::vector<std::int64_t>({4}));
  EXPECT_EQ(use(samples, 3, {3, 4}), std::vector<std::int64_t>({0}));
}

TEST(DamagedSamples, EachIsToldOfOnce) {
  DamagedSamples samples(OnDataError::skip, 5);
  for (int i = 0; i < 3; ++i) use(samples, 3, {3});
  EXPECT_EQ(samples.take_messages(), std::vector<std::string>({kReason + " The next one stands in for it."}));
  use(samples, 3, {3});
  EXPECT_TRUE(samples.take_messages().empty());
  use(samples, 3, {3, 4});
  EXPECT_EQ(samples.take_messages().size(), 1);
}

TEST(DamagedSamples, AHundredInARowAreSomethingElse) {
  std::set<std::int64_t> damaged;
  for (std::int64_t i = 0; i < 99; ++i) damaged.insert(i);
  DamagedSamples samples(OnDataError::skip, 1000);
  EXPECT_EQ(use(samples, 0, damaged), std::vector<std::int64_t>({99}));
  damaged.insert(99);
  EXPECT_THROW(use(samples, 0, damaged), DamagedSampleError);
}

TEST(DamagedSamples, OtherErrorsGoOn) {
  DamagedSamples samples(OnDataError::skip, 5);
  EXPECT_THROW(samples.use(0, [](std::int64_t) { throw std::runtime_error("other"); }), std::runtime_error);
}

}  // namespace
}  // namespace incubate
