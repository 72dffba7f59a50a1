#include "parallel/communicator.h"

#include <gtest/gtest.h>

#include "base/share.h"
#include "support/test_world.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

TEST(CommunicatorTest, IntegersAddUp) {
  const Communicator& world = test_world();
  const std::int64_t rank = world.rank(), size = world.size();
  constexpr std::int64_t kLarge = std::int64_t{1} << 53;  // a sum that doubles would round
  std::vector<std::int64_t> values = {rank, -rank, 1, kLarge + rank};
  world.all_reduce_sum(values, "test");
  const std::int64_t sum = size * (size - 1) / 2;
  EXPECT_EQ(values, (std::vector<std::int64_t>{sum, -sum, size, (size * kLarge) + sum}));
}

TEST(CommunicatorTest, FloatsAddUp) {
  const Communicator& world = test_world();
  const auto rank = static_cast<float>(world.rank()), size = static_cast<float>(world.size());
  std::vector<float> values = {rank, 0.5F * rank, 1};
  world.all_reduce_sum(values, "test");
  EXPECT_EQ(values, (std::vector<float>{size * (size - 1) / 2, size * (size - 1) / 4, size}));
}

// Sizes: fewer values than ranks, more values than one message, and sizes that ranks do not divide.
TEST(CommunicatorTest, SharedSumsAreThoseOfAllRanks) {
  const Communicator& world = test_world();
  for (const std::int64_t count : {std::int64_t{0}, std::int64_t{1}, std::int64_t{3}, std::int64_t{600'001}}) {
    std::vector<std::int64_t> integers(count);
    for (std::int64_t i = 0; i < count; ++i) integers[i] = (i + 1) * (world.rank() + 1);
    world.sum_shares(integers, "test");
    const Share share = chunk_of(count, world.rank(), world.size());
    std::vector<float> floats(count, -1);
    const std::int64_t factor = world.size() * (world.size() + 1) / 2;
    for (std::int64_t i = share.begin; i < share.end; ++i) {
      ASSERT_EQ(integers[i], (i + 1) * factor) << count;
      floats[i] = static_cast<float>(i);
    }
    world.share_values(floats, "test");
    for (std::int64_t i = 0; i < count; ++i) ASSERT_EQ(floats[i], static_cast<float>(i)) << count;
  }
}

TEST(CommunicatorTest, SharedSumsOfFloats) {
  const Communicator& world = test_world();
  std::vector<float> values(1000, 0.5F * static_cast<float>(world.rank()));
  world.sum_shares(values, "test");
  const Share share = chunk_of(1000, world.rank(), world.size());
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    ASSERT_EQ(values[i], static_cast<float>(world.size() * (world.size() - 1)) / 4);
  }
}

TEST(CommunicatorTest, NothingAddsUpToNothing) {
  std::vector<std::int64_t> none;
  test_world().all_reduce_sum(none, "test");
  EXPECT_TRUE(none.empty());
}

TEST(CommunicatorTest, LeadersBytesAndTextReachAll) {
  const Communicator& world = test_world();
  std::vector<double> numbers = {world.rank() + 0.1, world.rank() + 0.2};
  world.broadcast(std::as_writable_bytes(std::span(numbers)), "test");
  EXPECT_EQ(numbers, (std::vector<double>{0.1, 0.2}));
  for (const std::string& text : {std::string(), std::string("a\0b", 3), std::string(1 << 20, 'x')}) {
    const std::string others = "rank " + std::to_string(world.rank());
    EXPECT_EQ(world.broadcast(world.is_leader() ? text : others, "test"), text);
  }
}

TEST(CommunicatorTest, EveryRanksTextReachesAll) {
  const Communicator& world = test_world();
  const auto text_of = [](int rank) { return std::string(static_cast<std::size_t>(rank) * 1000, 'a') + '\0'; };
  const std::vector<std::string> texts = world.gather(text_of(world.rank()), "test");
  ASSERT_EQ(static_cast<int>(texts.size()), world.size());
  for (int rank = 0; rank < world.size(); ++rank) EXPECT_EQ(texts[rank], text_of(rank));
  EXPECT_EQ(world.gather("", "test"), std::vector<std::string>(world.size()));
}

TEST(CommunicatorTest, SplitMakesGroupsOfEqualColourInOrder) {
  const Communicator& world = test_world();
  const Communicator part = world.split(world.rank() % 2);
  EXPECT_EQ(part.rank(), world.rank() / 2);
  EXPECT_EQ(part.size(), (world.size() + 1 - (world.rank() % 2)) / 2);
  EXPECT_EQ(part.is_leader(), world.rank() < 2);
  EXPECT_EQ(part.timeout_s(), world.timeout_s());
  EXPECT_EQ(part.member_name(part.rank()), world.member_name(world.rank()));
  std::vector<std::int64_t> sum = {world.rank()};
  part.all_reduce_sum(sum, "test");
  std::int64_t expected = 0;
  for (int rank = world.rank() % 2; rank < world.size(); rank += 2) expected += rank;
  EXPECT_EQ(sum[0], expected);
}

TEST(CommunicatorTest, MembersAreNamedByWorldRankAndHost) {
  const Communicator& world = test_world();
  ASSERT_EQ(world.hosts().size(), world.size());
  for (int rank = 0; rank < world.size(); ++rank) {
    EXPECT_EQ(world.member_name(rank), "rank " + std::to_string(rank) + " on " + world.hosts()[rank]);
  }
}

TEST(CommunicatorTest, ErrorsOfMpiBecomeExceptions) {
  EXPECT_NO_THROW(check_mpi(MPI_SUCCESS, "nothing"));
  const Communicator part = test_world().split(0);
  for (MPI_Comm comm : {test_world().get(), part.get()}) {
    const std::string message = thrown_message<std::runtime_error>(
        [&] { check_mpi(MPI_Send(nullptr, 0, MPI_BYTE, test_world().size() + 5, 0, comm), "a send to nobody"); });
    EXPECT_TRUE(message.starts_with("MPI failed in a send to nobody: ")) << message;
  }
}

TEST(Agree, NothingHappensWhereNobodyObjects) {
  EXPECT_NO_THROW(agree(test_world(), [] {}));
}

TEST(Agree, TheMessageOfOneRankReachesAll) {
  const Communicator& world = test_world();
  for (int objecting = 0; objecting < world.size(); ++objecting) {
    const std::string expected = "rank " + std::to_string(objecting) + " objects";
    EXPECT_EQ(thrown_message<AgreedInputError>([&] {
                agree(world, [&] { check_input(world.rank() != objecting, "rank {} objects", world.rank()); });
              }),
              expected);
  }
}

TEST(Agree, OfSeveralMessagesThatOfTheLowestRankCounts) {
  const Communicator& world = test_world();
  const int lowest = world.size() / 2;
  EXPECT_EQ(thrown_message<AgreedInputError>(
                [&] { agree(world, [&] { check_input(world.rank() < lowest, "rank {} objects", world.rank()); }); }),
            "rank " + std::to_string(lowest) + " objects");
}

}  // namespace
}  // namespace incubate
