#include "vision/labelled_images.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/check.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

/// Returns 40 images of class 0, 20 of class 1, 1 of class 2; an image's byte is its number.
LabelledImages example_images() {
  LabelledImages all{.height = 1, .width = 1, .channels = 1, .bytes = {}, .labels = {}};
  for (int i = 0; i < 61; ++i) {
    all.bytes.push_back(static_cast<std::uint8_t>(i));
    all.labels.push_back(i == 60 ? 2 : i % 3 == 0 ? 1 : 0);
  }
  return all;
}

TEST(LabelledImages, SubsetKeepsTheSameShareOfEveryClass) {
  const LabelledImages part = take_subset(example_images(), 0.25);
  EXPECT_EQ(std::ranges::count(part.labels, 0), 10);
  EXPECT_EQ(std::ranges::count(part.labels, 1), 5);
  EXPECT_EQ(std::ranges::count(part.labels, 2), 1);
}

TEST(LabelledImages, SubsetKeepsImagesWithTheirLabelsInOrder) {
  const LabelledImages all = example_images(), part = take_subset(all, 0.5);
  EXPECT_TRUE(std::ranges::is_sorted(part.bytes));
  for (std::size_t i = 0; i < part.labels.size(); ++i) EXPECT_EQ(part.labels[i], all.labels[part.bytes[i]]);
}

TEST(LabelledImages, ASmallerSubsetIsPartOfALargerOne) {
  const LabelledImages small = take_subset(example_images(), 0.2), large = take_subset(example_images(), 0.6);
  EXPECT_TRUE(std::ranges::includes(large.bytes, small.bytes));
  EXPECT_EQ(take_subset(example_images(), 1).bytes, example_images().bytes);
  EXPECT_EQ(take_subset(example_images(), 0.2).bytes, small.bytes);
}

TEST(LabelledImages, ValidationTakesTheSameShareOfEveryClassAndLeavesTheRest) {
  const std::vector<std::string> names = {"night", "day", "dusk"};
  std::vector<std::int64_t> labels = example_images().labels;
  labels.push_back(2);  // two images of class 2
  const SplitIndices split = choose_validation(labels, 0.1, 0, names);
  std::vector<std::int64_t> of_class(3, 0);
  for (const std::int64_t i : split.validation) ++of_class[labels[i]];
  EXPECT_EQ(of_class, (std::vector<std::int64_t>{4, 2, 1}));
  std::vector<std::int64_t> both;
  std::ranges::merge(split.kept, split.validation, std::back_inserter(both));
  for (std::size_t i = 0; i < labels.size(); ++i) EXPECT_EQ(both.at(i), i);
  EXPECT_EQ(both.size(), labels.size());
  EXPECT_EQ(choose_validation(labels, 0.1, 0, names).validation, split.validation);
  EXPECT_NE(choose_validation(labels, 0.1, 1, names).validation, split.validation);
  EXPECT_EQ(choose_validation(labels, 0.9, 0, names).validation.size(), 36 + 18 + 1);  // one of two must stay
  labels.pop_back();
  EXPECT_EQ(thrown_message<InputError>([&] { choose_validation(labels, 0.1, 0, names); }),
            "the class 'dusk' has 1 image, which --validation-share=0.1 cannot divide (each split needs one). Give it "
            "more, or take it away.");
}

}  // namespace
}  // namespace incubate
