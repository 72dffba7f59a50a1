#include "report/meters.h"

#include <gtest/gtest.h>

namespace incubate {
namespace {

constexpr std::int64_t kOne = std::int64_t{1} << 40;

TEST(Meters, SumsAddUpMemberByMember) {
  EvaluationSums sums = {.num_images = 1, .top1_hits = 2, .top5_hits = 3, .loss_units = 4};
  sums += {.num_images = 10, .top1_hits = 20, .top5_hits = 30, .loss_units = 40};
  EXPECT_EQ(sums.pack(), (std::array<std::int64_t, 4>{11, 22, 33, 44}));
}

TEST(Meters, PackedSumsUnpackToTheSame) {
  const EvaluationSums sums = EvaluationSums::unpack({1, 2, 3, 4});
  EXPECT_EQ(sums.num_images, 1);
  EXPECT_EQ(sums.top1_hits, 2);
  EXPECT_EQ(sums.top5_hits, 3);
  EXPECT_EQ(sums.loss_units, 4);
}

TEST(Meters, MeanDividesByTheImages) {
  const Evaluation mean = mean_of({.num_images = 8, .top1_hits = 2, .top5_hits = 6, .loss_units = 20 * kOne});
  EXPECT_EQ(mean.top1, 0.25);
  EXPECT_EQ(mean.top5, 0.75);
  EXPECT_EQ(mean.loss, 2.5);
}

}  // namespace
}  // namespace incubate
