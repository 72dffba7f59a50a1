#include "data/sampler.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "base/random.h"

namespace incubate {
namespace {

std::vector<std::int64_t> positions(Sampler& sampler, const BatchPlace& place) {
  std::vector<std::int64_t> positions;
  for (const Sample& sample : sampler.samples(place)) positions.push_back(sample.position);
  return positions;
}

TEST(Sampler, MicroBatchReadsEveryMthPositionOfItsStep) {
  RandomSampler sampler(100, 12, 4, 0, Phase::meta);  // B = 12, b = 4, M = 3
  EXPECT_EQ(sampler.micro_batches_per_step(), 3);
  EXPECT_EQ(positions(sampler, {.epoch = 0, .step_in_epoch = 0, .micro_batch = 0}),
            (std::vector<std::int64_t>{0, 3, 6, 9}));
  EXPECT_EQ(positions(sampler, {.epoch = 5, .step_in_epoch = 2, .micro_batch = 1}),
            (std::vector<std::int64_t>{25, 28, 31, 34}));
}

TEST(Sampler, MicroBatchesPartitionTheStep) {
  for (const auto& [global, micro] : {std::pair{8, 8}, {8, 1}, {12, 3}, {60, 4}}) {
    RandomSampler sampler(1000, global, micro, 0, Phase::meta);
    for (std::int64_t step = 0; step < sampler.steps_per_epoch(); ++step) {
      std::vector<std::int64_t> all;
      for (std::int64_t m = 0; m < sampler.micro_batches_per_step(); ++m) {
        const std::vector<std::int64_t> part = positions(sampler, {0, step, m});
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
  EXPECT_EQ(RandomSampler(100, 12, 4, 0, Phase::meta).steps_per_epoch(), 8);
  EXPECT_EQ(RandomSampler(96, 12, 4, 0, Phase::meta).steps_per_epoch(), 8);
  EXPECT_EQ(RandomSampler(12, 12, 4, 0, Phase::meta).steps_per_epoch(), 1);
}

std::vector<std::int64_t> order(RandomSampler sampler, std::int64_t num_images, std::int64_t epoch) {
  std::vector<std::int64_t> images;
  for (std::int64_t position = 0; position < num_images; ++position) {
    images.push_back(sampler.index_at(epoch, position));
  }
  return images;
}

TEST(Sampler, AnEpochShowsEveryImageOnce) {
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::int64_t> images = order(RandomSampler(50, 5, 5, 1, Phase::meta), 50, epoch);
    std::ranges::sort(images);
    for (std::int64_t i = 0; i < 50; ++i) EXPECT_EQ(images[i], i);
  }
}

TEST(Sampler, OrderIsTheAddressedPermutation) {
  const std::vector<std::uint32_t> expected = make_permutation(50, make_generator(7, Purpose::shuffle, {1, 3}));
  const std::vector<std::int64_t> images = order(RandomSampler(50, 5, 5, 7, Phase::incubation), 50, 3);
  EXPECT_TRUE(std::ranges::equal(images, expected));
}

TEST(Sampler, BlocksShowEveryImageOnceInRunsThatMicroBatchesRead) {
  constexpr std::int64_t kImages = 103, kGlobal = 20, kMicro = 5, kBlock = 10;
  std::set<std::int64_t> begins;
  for (std::int64_t epoch = 0; epoch < 4; ++epoch) {
    RandomSampler sampler(kImages, kGlobal, kMicro, 1, Phase::meta, 1, kBlock);
    std::vector<std::int64_t> images = order(sampler, kImages, epoch);
    std::ranges::sort(images);
    for (std::int64_t i = 0; i < kImages; ++i) EXPECT_EQ(images[i], i);

    // Images come in reading order: micro-batch by micro-batch.
    std::vector<std::int64_t> read;
    for (std::int64_t step = 0; step < sampler.steps_per_epoch(); ++step) {
      for (std::int64_t m = 0; m < sampler.micro_batches_per_step(); ++m) {
        for (const Sample& sample : sampler.samples({epoch, step, m})) read.push_back(sample.index);
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
  const std::vector<std::int64_t> images = order(RandomSampler(6, 6, 3, 1, Phase::meta, 1, 1000), 6, 0);
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
        orders.insert(order(RandomSampler(50, 5, 5, seed, phase), 50, epoch));
        orders.insert(order(RandomSampler(50, 10, 2, seed, phase), 50, epoch));
      }
    }
  }
  EXPECT_EQ(orders.size(), 2 * 4 * 3);
}

TEST(Sampler, RepeatsShowTheFirstImagesOfThePermutation) {
  const std::vector<std::uint32_t> expected = make_permutation(50, make_generator(7, Purpose::shuffle, {1, 3}));
  RandomSampler sampler(50, 6, 2, 7, Phase::incubation, 3);
  EXPECT_EQ(sampler.steps_per_epoch(), 8);
  for (std::int64_t position = 0; position < 50; ++position) {
    EXPECT_EQ(sampler.index_at(3, position), expected[position / 3]);
  }
}

TEST(Sampler, GoingBackToAnEarlierEpochGivesItsOrder) {
  RandomSampler sampler(50, 5, 5, 0, Phase::meta);
  const std::int64_t first = sampler.index_at(0, 17);
  sampler.index_at(1, 17);
  EXPECT_EQ(sampler.index_at(0, 17), first);
}

TEST(Sampler, SamplesAreThoseAtTheirPositions) {
  RandomSampler sampler(50, 12, 4, 7, Phase::incubation);
  for (const Sample& sample : sampler.samples({.epoch = 3, .step_in_epoch = 2, .micro_batch = 1})) {
    EXPECT_EQ(sample.epoch, 3);
    EXPECT_EQ(sample.index, sampler.index_at(3, sample.position));
  }
}

TEST(Sampler, ARankGoesThroughItsShareOfEveryStep) {
  const RandomSampler sampler(24, 12, 4, 1, Phase::meta, 1, 0, {1, 3});
  std::vector<BatchPlace> places = {*sampler.first()};
  for (int i = 0; i < 5; ++i) places.push_back(*sampler.next(places.back()));
  EXPECT_EQ(places, (std::vector<BatchPlace>{{0, 0, 1}, {0, 0, 2}, {0, 1, 1}, {0, 1, 2}, {1, 0, 1}, {1, 0, 2}}));
}

TEST(Sampler, ThePartOfAnEvaluationIsAlwaysTheSame) {
  EXPECT_EQ(choose_samples(4, 9), (std::vector<std::uint32_t>{0, 1, 2, 3}));
  const std::vector<std::uint32_t> part = choose_samples(1000, 10);
  EXPECT_EQ(part, (std::vector<std::uint32_t>{17, 121, 210, 256, 289, 381, 431, 513, 642, 984}));
  SequentialSampler sampler(part, 8, 1, 2);
  EXPECT_EQ(sampler.samples(*sampler.first()), (std::vector<Sample>{{0, 8, part[8]}, {0, 9, part[9]}}));
}

TEST(Sampler, EvaluationShowsEverySampleOnceOnAnyNumberOfRanks) {
  for (const std::int64_t num_ranks : {1, 2, 3, 5}) {
    std::vector<std::int64_t> all;
    for (std::int64_t rank = 0; rank < num_ranks; ++rank) {
      SequentialSampler sampler(choose_samples(11, 11), 4, rank, num_ranks);
      for (auto place = sampler.first(); place; place = sampler.next(*place)) {
        const std::vector<Sample> samples = sampler.samples(*place);
        EXPECT_EQ(samples.size(), place->micro_batch < 2 ? 4 : 3);
        for (const Sample& sample : samples) all.push_back(sample.index);
      }
    }
    EXPECT_EQ(all, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10})) << num_ranks << " ranks";
  }
}

}  // namespace
}  // namespace incubate
