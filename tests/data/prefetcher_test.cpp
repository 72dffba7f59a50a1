#include "data/prefetcher.h"

#include <atomic>
#include <chrono>
#include <set>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "base/stopwatch.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kImages = 5, kEnd = 12;

BatchPlace at(std::int64_t i) { return {.micro_batch = i}; }

/// The heap, with an account. Only the thread that made it may claim.
class CountedMemory : public std::pmr::memory_resource {
 public:
  std::int64_t num_claimed() const { return num_claimed_; }
  std::int64_t num_lent() const { return num_lent_; }
  bool is_misused() const { return is_misused_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (std::this_thread::get_id() != owner_) is_misused_ = true;
    ++num_claimed_;
    ++num_lent_;
    return heap_->allocate(bytes, alignment);
  }
  void do_deallocate(void* address, std::size_t bytes, std::size_t alignment) override {
    --num_lent_;
    heap_->deallocate(address, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::pmr::memory_resource* heap_ = std::pmr::new_delete_resource();
  std::thread::id owner_ = std::this_thread::get_id();
  std::atomic<std::int64_t> num_claimed_ = 0, num_lent_ = 0;
  std::atomic<bool> is_misused_ = false;
};

/// Batches of five images; image k of batch i is the number 10 i + k. All of them are in a row, up to kEnd.
class PrefetcherTest : public testing::TestWithParam<std::int64_t> {
 protected:
  Prefetcher make(std::int64_t depth = 2) {
    return {{.workers = GetParam(), .depth = depth, .memory = &memory_},
            [this](const BatchPlace& place) { return plan(place.micro_batch); },
            [](const BatchPlace& place) {
              return place.micro_batch + 1 < kEnd ? std::optional(at(place.micro_batch + 1)) : std::nullopt;
            }};
  }
  BatchPlan plan(std::int64_t i) {
    planned_.push_back(i);
    return {.size = kImages,
            .image_values = 2,
            .prepare = [](Batch& batch) { batch.raw.bytes.resize(100); },
            .make_image =
                [this, i](Batch& batch, std::int64_t k) {
                  std::this_thread::sleep_for(image_time_);
                  if (i == failing_ && k == 3) throw std::runtime_error("image 3 is damaged");
                  batch.images[2 * k] = batch.images[(2 * k) + 1] = static_cast<float>((10 * i) + k);
                  batch.labels[k] = k;
                  ++num_made_;
                },
            .finish =
                [this](Batch& batch) {
                  for (const float value : batch.images) batch.label_weight += value;
                  ++num_finished_;
                }};
  }
  static void expect_batch(const Batch& batch, std::int64_t i) {
    ASSERT_EQ(batch.size, kImages);
    ASSERT_EQ(batch.images.size(), 2 * kImages);
    for (std::int64_t k = 0; k < kImages; ++k) {
      EXPECT_EQ(batch.images[2 * k], (10 * i) + k);
      EXPECT_EQ(batch.images[(2 * k) + 1], (10 * i) + k);
      EXPECT_EQ(batch.labels[k], k);
    }
    EXPECT_EQ(batch.label_weight, 1 + (2 * ((50 * i) + 10)));
  }

  CountedMemory memory_;
  std::vector<std::int64_t> planned_;  // by this thread alone
  std::int64_t failing_ = -1;
  milliseconds image_time_{0};
  std::atomic<std::int64_t> num_made_ = 0;
  std::atomic<std::int64_t> num_finished_ = 0;
};

TEST_P(PrefetcherTest, BatchesAreTheSameWithAnyNumberOfWorkers) {
  for (const std::int64_t depth : {0, 1, 4}) {
    Prefetcher prefetcher = make(depth);
    for (std::int64_t i = 0; i < kEnd; ++i) expect_batch(prefetcher.load(at(i)), i);
  }
}

TEST_P(PrefetcherTest, BatchesLieInTheMemoryGiven) {
  {
    Prefetcher prefetcher = make();
    const Batch batch = prefetcher.load(at(0));
    const Batch blended = prefetcher.load(at(1));
    EXPECT_EQ(batch.images.get_allocator().resource(), &memory_);
    EXPECT_EQ(batch.labels.get_allocator().resource(), &memory_);
    EXPECT_EQ(batch.other_labels.get_allocator().resource(), &memory_);
    EXPECT_EQ(batch.raw.bytes.size(), 100);
    EXPECT_EQ(batch.raw.bytes.get_allocator().resource(), &memory_);
    EXPECT_EQ(batch.raw.table.get_allocator().resource(), &memory_);
    EXPECT_EQ(batch.raw.erased.get_allocator().resource(), &memory_);
    EXPECT_EQ(batch.raw.noise.get_allocator().resource(), &memory_);
    prefetcher.load(at(7));  // what was made ahead is dropped
    EXPECT_GE(memory_.num_claimed(), 4 * 3);
  }
  EXPECT_EQ(memory_.num_lent(), 0);
  EXPECT_FALSE(memory_.is_misused()) << "claimed by a worker";
}

TEST_P(PrefetcherTest, AWrongGuessCostsTimeOnly) {
  Prefetcher prefetcher = make();
  for (const std::int64_t i : {3, 4, 0, 1, 1, 9, 11, 2}) expect_batch(prefetcher.load(at(i)), i);
}

TEST_P(PrefetcherTest, NoMoreIsPlannedAheadThanTheDepth) {
  Prefetcher prefetcher = make(3);
  prefetcher.load(at(0));
  EXPECT_EQ(planned_, GetParam() == 0 ? std::vector<std::int64_t>({0}) : std::vector<std::int64_t>({0, 1, 2, 3}));
  prefetcher.load(at(1));
  EXPECT_EQ(planned_.size(), GetParam() == 0 ? 2 : 5);
}

TEST_P(PrefetcherTest, WorkersWorkWhileNobodyWaits) {
  Prefetcher prefetcher = make();
  prefetcher.load(at(0));
  if (GetParam() == 0) return;
  const Stopwatch watch;
  while (num_finished_ < 3 && watch.elapsed_s() < 30) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_EQ(num_made_, 3 * kImages);  // the batch asked for, and two ahead
  EXPECT_EQ(num_finished_, 3);
}

TEST_P(PrefetcherTest, AnErrorIsToldByTheBatchThatHasIt) {
  failing_ = 2;
  Prefetcher prefetcher = make();
  expect_batch(prefetcher.load(at(0)), 0);
  expect_batch(prefetcher.load(at(1)), 1);
  EXPECT_EQ(thrown_message<std::runtime_error>([&] { prefetcher.load(at(2)); }), "image 3 is damaged");
  expect_batch(prefetcher.load(at(3)), 3);
}

TEST_P(PrefetcherTest, EndsWithoutMakingAllThatWasPlanned) {
  image_time_ = milliseconds(20);
  {
    Prefetcher prefetcher = make(10);
    prefetcher.load(at(0));
  }
  const std::int64_t num_made = num_made_;
  EXPECT_LE(num_made, 2 * (kImages + GetParam()));
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(num_made_, num_made);  // nobody works on
}

INSTANTIATE_TEST_SUITE_P(Workers, PrefetcherTest, testing::Values(0, 1, 3),
                         [](const auto& info) { return std::to_string(info.param); });

}  // namespace
}  // namespace incubate
