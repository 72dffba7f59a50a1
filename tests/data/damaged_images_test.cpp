#include "data/damaged_images.h"

#include <gtest/gtest.h>

#include "support/thrown_message.h"
#include "vision/encoded_image_set.h"

namespace incubate {
namespace {

/// The images that were used, those in `damaged` being so.
std::vector<std::int64_t> use(DamagedImages& images, std::int64_t index, const std::set<std::int64_t>& damaged) {
  std::vector<std::int64_t> used;
  images.use(index, [&](std::int64_t i) {
    if (damaged.contains(i)) throw DamagedImageError("a.h5", i, "is damaged: it is odd");
    used.push_back(i);
  });
  return used;
}

const std::string kReason =
    "a.h5: image 3 of it is damaged: it is odd. Copy the shard again, or run the same 'incubate pack' again, which "
    "makes damaged shards anew.";

TEST(DamagedImages, EndTheRunUnlessTheyMayBeSkipped) {
  DamagedImages images(OnDataError::fail, 5);
  EXPECT_EQ(use(images, 2, {3}), std::vector<std::int64_t>({2}));
  EXPECT_EQ(thrown_message<DamagedImageError>([&] { use(images, 3, {3}); }), kReason);
  EXPECT_TRUE(images.take_messages().empty());
}

TEST(DamagedImages, TheNextOneStandsIn) {
  DamagedImages images(OnDataError::skip, 5);
  EXPECT_EQ(use(images, 2, {3}), std::vector<std::int64_t>({2}));
  EXPECT_EQ(use(images, 3, {3}), std::vector<std::int64_t>({4}));
  EXPECT_EQ(use(images, 3, {3, 4}), std::vector<std::int64_t>({0}));
}

TEST(DamagedImages, EachIsToldOfOnce) {
  DamagedImages images(OnDataError::skip, 5);
  for (int i = 0; i < 3; ++i) use(images, 3, {3});
  EXPECT_EQ(images.take_messages(), std::vector<std::string>({kReason + " The next image stands in for it."}));
  use(images, 3, {3});
  EXPECT_TRUE(images.take_messages().empty());
  use(images, 3, {3, 4});
  EXPECT_EQ(images.take_messages().size(), 1);
}

TEST(DamagedImages, AHundredInARowAreSomethingElse) {
  std::set<std::int64_t> damaged;
  for (std::int64_t i = 0; i < 99; ++i) damaged.insert(i);
  DamagedImages images(OnDataError::skip, 1000);
  EXPECT_EQ(use(images, 0, damaged), std::vector<std::int64_t>({99}));
  damaged.insert(99);
  EXPECT_THROW(use(images, 0, damaged), DamagedImageError);
}

TEST(DamagedImages, OtherErrorsGoOn) {
  DamagedImages images(OnDataError::skip, 5);
  EXPECT_THROW(images.use(0, [](std::int64_t) { throw std::runtime_error("other"); }), std::runtime_error);
}

}  // namespace
}  // namespace incubate
