#include "data/loader.h"

#include <atomic>
#include <chrono>
#include <set>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kSamples = 5, kEnd = 12;

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

/// The indices of a batch's samples.
struct Numbers final : Batch {
  Numbers(std::int64_t its_size, const BatchPlace& its_place, std::pmr::memory_resource* memory)
      : Batch(its_size), place(its_place), values(its_size, memory) {}
  BatchPlace place;
  std::pmr::vector<std::int64_t> values;
};

/// Counts what the makers of a test do, and tells them what to do wrong.
struct Account {
  std::vector<std::int64_t> begun;  // by the test's thread alone
  std::int64_t failing = -1;        // this sample
  std::set<std::int64_t> damaged;
  milliseconds sample_time{0};
  std::atomic<std::int64_t> num_made = 0;
};

class NumberMaker final : public SampleMaker {
 public:
  explicit NumberMaker(Account& account) : account_(account) {}
  std::int64_t num_samples() const override { return kEnd * kSamples; }
  std::unique_ptr<Batch> begin(const BatchPlace& place, std::span<const Sample> samples,
                               std::pmr::memory_resource* memory) const override {
    account_.begun.push_back(place.micro_batch);
    return std::make_unique<Numbers>(std::ssize(samples), place, memory);
  }
  void make(Batch& batch, std::int64_t k, const Sample& sample) const override {
    std::this_thread::sleep_for(account_.sample_time);
    if (sample.index == account_.failing) throw std::runtime_error("sample 13 is odd");
    if (account_.damaged.contains(sample.index)) throw DamagedSampleError("damage");
    static_cast<Numbers&>(batch).values[k] = sample.index;
    ++account_.num_made;
  }

 private:
  Account& account_;
};

/// Batches of five samples in a row, up to kEnd.
class LoaderTest : public testing::TestWithParam<std::int64_t> {
 protected:
  std::unique_ptr<Loader> make(std::int64_t depth = 2) {
    return std::make_unique<Loader>(
        std::make_unique<NumberMaker>(account_),
        std::make_unique<SequentialSampler>(choose_samples(kEnd * kSamples, kEnd * kSamples), kSamples),
        LoaderOptions{.workers = GetParam(),
                      .depth = depth,
                      .memory = &memory_,
                      .on_error = OnDataError::skip,
                      .warn = [this](const std::string& message) { warnings_.push_back(message); }});
  }
  static void expect_batch(Loader& loader, std::int64_t i) {
    const std::unique_ptr<Batch> batch = loader.load(at(i));
    const auto& numbers = dynamic_cast<const Numbers&>(*batch);
    ASSERT_EQ(numbers.size, kSamples);
    EXPECT_EQ(numbers.place, at(i));
    for (std::int64_t k = 0; k < kSamples; ++k) EXPECT_EQ(numbers.values[k], (kSamples * i) + k);
  }

  CountedMemory memory_;
  Account account_;
  std::vector<std::string> warnings_;
};

TEST_P(LoaderTest, BatchesAreTheSameWithAnyNumberOfWorkers) {
  for (const std::int64_t depth : {0, 1, 4}) {
    const auto loader = make(depth);
    for (std::int64_t i = 0; i < kEnd; ++i) expect_batch(*loader, i);
    EXPECT_GT(loader->waited_s(), 0);
  }
}

TEST_P(LoaderTest, BatchesLieInTheMemoryGiven) {
  {
    const auto loader = make();
    const std::unique_ptr<Batch> batch = loader->load(at(0));
    EXPECT_EQ(dynamic_cast<const Numbers&>(*batch).values.get_allocator().resource(), &memory_);
    loader->load(at(7));  // what was made ahead is dropped
    EXPECT_GE(memory_.num_claimed(), 2);
  }
  EXPECT_EQ(memory_.num_lent(), 0);
  EXPECT_FALSE(memory_.is_misused()) << "claimed by a worker";
}

TEST_P(LoaderTest, AWrongGuessCostsTimeOnly) {
  const auto loader = make();
  for (const std::int64_t i : {3, 4, 0, 1, 1, 9, 11, 2}) expect_batch(*loader, i);
}

TEST_P(LoaderTest, NoMoreIsBegunAheadThanTheDepth) {
  const auto loader = make(3);
  loader->load(at(0));
  EXPECT_EQ(account_.begun, GetParam() == 0 ? std::vector<std::int64_t>({0}) : std::vector<std::int64_t>({0, 1, 2, 3}));
  loader->load(at(1));
  EXPECT_EQ(account_.begun.size(), GetParam() == 0 ? 2 : 5);
}

TEST_P(LoaderTest, WorkersWorkWhileNobodyWaits) {
  const auto loader = make();
  loader->load(at(0));
  if (GetParam() == 0) return;
  const Stopwatch watch;
  while (account_.num_made < 3 * kSamples && watch.elapsed_s() < 30) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_EQ(account_.num_made, 3 * kSamples);  // the batch asked for, and two ahead
}

TEST_P(LoaderTest, AnErrorIsToldByTheBatchThatHasIt) {
  account_.failing = 13;
  const auto loader = make();
  expect_batch(*loader, 0);
  expect_batch(*loader, 1);
  EXPECT_EQ(thrown_message<std::runtime_error>([&] { loader->load(at(2)); }), "sample 13 is odd");
  expect_batch(*loader, 3);
}

TEST_P(LoaderTest, TheNextSampleStandsInForADamagedOne) {
  account_.damaged = {7};
  const auto loader = make();
  expect_batch(*loader, 0);
  const std::unique_ptr<Batch> batch = loader->load(at(1));
  EXPECT_EQ(dynamic_cast<const Numbers&>(*batch).values, (std::pmr::vector<std::int64_t>{5, 6, 8, 8, 9}));
  EXPECT_EQ(warnings_, std::vector<std::string>{"damage The next one stands in for it."});
}

TEST_P(LoaderTest, EndsWithoutMakingAllThatWasBegun) {
  account_.sample_time = milliseconds(20);
  make(10)->load(at(0));
  const std::int64_t num_made = account_.num_made;
  EXPECT_LE(num_made, 2 * (kSamples + GetParam()));
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(account_.num_made, num_made);  // nobody works on
}

INSTANTIATE_TEST_SUITE_P(Workers, LoaderTest, testing::Values(0, 1, 3),
                         [](const auto& info) { return std::to_string(info.param); });

}  // namespace
}  // namespace incubate
