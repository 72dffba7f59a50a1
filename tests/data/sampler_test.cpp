#include "data/sampler.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "base/random.h"

namespace incubate {
namespace {

TEST(Sampler, MicroBatchReadsEveryMthPositionOfItsStep) {
  const Sampler sampler(100, 12, 4, 0, Phase::meta);  // B = 12, b = 4, M = 3
  EXPECT_EQ(sampler.micro_batches_per_step(), 3);
  EXPECT_EQ(sampler.positions({.epoch = 0, .step_in_epoch = 0, .micro_batch = 0}),
            (std::vector<std::int64_t>{0, 3, 6, 9}));
  EXPECT_EQ(sampler.positions({.epoch = 5, .step_in_epoch = 2, .micro_batch = 1}),
            (std::vector<std::int64_t>{25, 28, 31, 34}));
}

TEST(Sampler, MicroBatchesPartitionTheStep) {
  for (const auto& [global, micro] : {std::pair{8, 8}, {8, 1}, {12, 3}, {60, 4}}) {
    const Sampler sampler(1000, global, micro, 0, Phase::meta);
    for (std::int64_t step = 0; step < sampler.steps_per_epoch(); ++step) {
      std::vector<std::int64_t> all;
      for (std::int64_t m = 0; m < sampler.micro_batches_per_step(); ++m) {
        const std::vector<std::int64_t> part = sampler.positions({0, step, m});
        EXPECT_EQ(part.size(), micro);
        all.insert(all.end(), part.begin(), part.end());
      }
      std::ranges::sort(all);
      ASSERT_EQ(all.size(), global);
      for (std::int64_t k = 0; k < global; ++k) EXPECT_EQ(all[k], (step * global) + k);
    }
  }
}

TEST(Sampler, EpochsAreWholeSteps) {
  EXPECT_EQ(Sampler(100, 12, 4, 0, Phase::meta).steps_per_epoch(), 8);
  EXPECT_EQ(Sampler(96, 12, 4, 0, Phase::meta).steps_per_epoch(), 8);
  EXPECT_EQ(Sampler(12, 12, 4, 0, Phase::meta).steps_per_epoch(), 1);
}

std::vector<std::int64_t> order(Sampler sampler, std::int64_t num_images, std::int64_t epoch) {
  std::vector<std::int64_t> images;
  for (std::int64_t position = 0; position < num_images; ++position) {
    images.push_back(sampler.image_index(epoch, position));
  }
  return images;
}

TEST(Sampler, AnEpochShowsEveryImageOnce) {
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::int64_t> images = order(Sampler(50, 5, 5, 1, Phase::meta), 50, epoch);
    std::ranges::sort(images);
    for (std::int64_t i = 0; i < 50; ++i) EXPECT_EQ(images[i], i);
  }
}

TEST(Sampler, OrderIsTheAddressedPermutation) {
  const std::vector<std::uint32_t> expected = make_permutation(50, make_generator(7, Purpose::shuffle, {1, 3}));
  const std::vector<std::int64_t> images = order(Sampler(50, 5, 5, 7, Phase::incubation), 50, 3);
  EXPECT_TRUE(std::ranges::equal(images, expected));
}

TEST(Sampler, BlocksShowEveryImageOnceInRunsThatMicroBatchesRead) {
  constexpr std::int64_t kImages = 103, kGlobal = 20, kMicro = 5, kBlock = 10;
  std::set<std::int64_t> begins;
  for (std::int64_t epoch = 0; epoch < 4; ++epoch) {
    Sampler sampler(kImages, kGlobal, kMicro, 1, Phase::meta, 1, kBlock);
    std::vector<std::int64_t> images = order(sampler, kImages, epoch);
    std::ranges::sort(images);
    for (std::int64_t i = 0; i < kImages; ++i) EXPECT_EQ(images[i], i);

    // Images come in reading order: micro-batch by micro-batch.
    std::vector<std::int64_t> read;
    for (std::int64_t step = 0; step < sampler.steps_per_epoch(); ++step) {
      for (std::int64_t m = 0; m < sampler.micro_batches_per_step(); ++m) {
        for (const std::int64_t p : sampler.positions({epoch, step, m})) {
          read.push_back(sampler.image_index(epoch, p));
        }
      }
    }
    ASSERT_EQ(read.size(), 100);
    std::int64_t num_jumps = 0;
    for (std::size_t i = 1; i < read.size(); ++i) {
      if (read[i] == (read[i - 1] + 1) % kImages) continue;
      ++num_jumps;
      begins.insert(read[i] % kBlock);
    }
    EXPECT_LE(num_jumps, kImages / kBlock);
    EXPECT_GE(num_jumps, 5);  // eleven runs in random order; few follow each other
  }
  EXPECT_GT(begins.size(), 2);  // in other places in every epoch
}

TEST(Sampler, ABlockMayHoldEverything) {
  const std::vector<std::int64_t> images = order(Sampler(6, 6, 3, 1, Phase::meta, 1, 1000), 6, 0);
  const auto neighbour = [&](std::int64_t distance) { return (images[0] + distance) % 6; };
  // Positions belong to two micro-batches in turn.
  EXPECT_EQ(images, (std::vector<std::int64_t>{images[0], neighbour(3), neighbour(1), neighbour(4), neighbour(2),
                                               neighbour(5)}));
}

TEST(Sampler, OrderChangesWithSeedPhaseAndEpochOnly) {
  std::set<std::vector<std::int64_t>> orders;
  for (const std::uint64_t seed : {0, 1}) {
    for (const Phase phase : {Phase::meta, Phase::incubation, Phase::finetuning, Phase::end_to_end}) {
      for (const std::int64_t epoch : {0, 1, 2}) {
        orders.insert(order(Sampler(50, 5, 5, seed, phase), 50, epoch));
        orders.insert(order(Sampler(50, 10, 2, seed, phase), 50, epoch));
      }
    }
  }
  EXPECT_EQ(orders.size(), 2 * 4 * 3);
}

TEST(Sampler, RepeatsShowTheFirstImagesOfThePermutation) {
  const std::vector<std::uint32_t> expected = make_permutation(50, make_generator(7, Purpose::shuffle, {1, 3}));
  Sampler sampler(50, 6, 2, 7, Phase::incubation, 3);
  EXPECT_EQ(sampler.steps_per_epoch(), 8);
  for (std::int64_t position = 0; position < 50; ++position) {
    EXPECT_EQ(sampler.image_index(3, position), expected[position / 3]);
  }
}

TEST(Sampler, GoingBackToAnEarlierEpochGivesItsOrder) {
  Sampler sampler(50, 5, 5, 0, Phase::meta);
  const std::int64_t first = sampler.image_index(0, 17);
  sampler.image_index(1, 17);
  EXPECT_EQ(sampler.image_index(0, 17), first);
}

}  // namespace
}  // namespace incubate
