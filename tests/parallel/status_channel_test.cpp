#include "parallel/status_channel.h"

#include <chrono>
#include <map>
#include <numeric>
#include <thread>

#include <gtest/gtest.h>

#include "support/test_world.h"

namespace incubate {
namespace {

/// The sender and the number of a report.
struct Note {
  std::int32_t rank = 0;
  std::int32_t number = 0;
};

class StatusChannelTest : public testing::Test {
 protected:
  void send(std::int32_t number, StatusChannel::Urgency urgency, int topic = 0) {
    const Note note{world_.rank(), number};
    channel_.report(std::as_bytes(std::span(&note, 1)), urgency, topic);
  }
  std::vector<int> all_ranks() const {
    std::vector<int> ranks(world_.size());
    std::iota(ranks.begin(), ranks.end(), 0);
    return ranks;
  }

  const Communicator& world_ = test_world();
  std::map<std::int32_t, std::vector<std::int32_t>> received_;  // numbers by rank, on rank 0
  StatusChannel channel_{world_, [this](std::span<const std::byte> bytes) {
                           Note note;
                           ASSERT_EQ(bytes.size(), sizeof(note));
                           std::memcpy(&note, bytes.data(), sizeof(note));
                           received_[note.rank].push_back(note.number);
                         }};
};

TEST_F(StatusChannelTest, UrgentReportsAllReachRankZeroInOrder) {
  for (int round = 0; round < 2; ++round) {
    received_.clear();
    for (std::int32_t i = 0; i < 5; ++i) send(i, StatusChannel::Urgency::urgent);
    channel_.meet(all_ranks());
    if (!world_.is_leader()) {
      EXPECT_TRUE(received_.empty());
      continue;
    }
    ASSERT_EQ(received_.size(), world_.size());
    for (const auto& [rank, numbers] : received_)
      EXPECT_EQ(numbers, (std::vector<std::int32_t>{0, 1, 2, 3, 4})) << rank;
  }
}

TEST_F(StatusChannelTest, UsualReportsAreOneASecondAndBeginAnewWithEachRound) {
  for (int round = 0; round < 2; ++round) {
    received_.clear();
    for (std::int32_t i = 0; i < 5; ++i) send(i, StatusChannel::Urgency::usual);
    channel_.meet(all_ranks());
    if (!world_.is_leader()) continue;
    ASSERT_EQ(received_.size(), world_.size());
    for (const auto& [rank, numbers] : received_) EXPECT_EQ(numbers, std::vector<std::int32_t>{0}) << rank;
  }
}

TEST_F(StatusChannelTest, ARankThatIsToStopTellsAllThatAreAtWork) {
  const auto is_to_stop = [this] { return world_.rank() == world_.size() - 1; };
  StatusChannel channel(
      world_, [](std::span<const std::byte>) {}, is_to_stop);
  const Stopwatch watch;
  bool has_heard = false;
  while (!has_heard && watch.elapsed_s() < 20) {
    channel.report({}, StatusChannel::Urgency::usual, 0);  // rank 0 hears while it reports
    has_heard = channel.is_stop_asked();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_TRUE(has_heard);
  channel.meet(all_ranks());
  EXPECT_TRUE(channel.is_stop_asked());
}

TEST_F(StatusChannelTest, NobodyStopsUnasked) {
  EXPECT_FALSE(channel_.is_stop_asked());
  channel_.meet(all_ranks());
  EXPECT_FALSE(channel_.is_stop_asked());
}

TEST_F(StatusChannelTest, UsualReportsOfEachTopicAreOneASecond) {
  for (std::int32_t i = 0; i < 6; ++i) {
    send(i, StatusChannel::Urgency::usual, i % 3);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // or the message before may be still under way
  }
  channel_.meet(all_ranks());
  if (!world_.is_leader()) return;
  ASSERT_EQ(received_.size(), world_.size());
  EXPECT_EQ(received_[0], (std::vector<std::int32_t>{0, 1, 2}));
}

TEST_F(StatusChannelTest, NobodyLeavesBeforeTheLastHasArrived) {
  for (int late = 0; late < world_.size(); ++late) {
    world_.barrier("test");
    const Stopwatch watch;
    if (world_.rank() == late) std::this_thread::sleep_for(std::chrono::milliseconds(200));
    channel_.meet(all_ranks());
    // The barrier lets ranks go at slightly different times, within a few milliseconds.
    EXPECT_GT(watch.elapsed_s(), 0.1) << "rank " << late << " was late";
  }
}

}  // namespace
}  // namespace incubate
