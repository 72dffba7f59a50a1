#include "train/gradient_reducer.h"

#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <thread>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/random.h"
#include "support/group_on_each_device.h"
#include "support/test_world.h"

namespace incubate {
namespace {

constexpr std::int64_t kSize = 1000;
constexpr std::int64_t kMicroBatches = 12;

/// Returns made-up gradients of a micro-batch from 2^-30 to 2^3: the order of a float sum would matter.
torch::Tensor gradients_of(std::int64_t micro_batch) {
  Generator generator(13, micro_batch);
  torch::Tensor gradients = torch::empty({kSize});
  for (std::int64_t i = 0; i < kSize; ++i) {
    gradients.data_ptr<float>()[i] =
        std::ldexp((2 * generator.uniform()) - 1, static_cast<int>(generator.below(34)) - 30);
  }
  return gradients;
}

/// Returns the mean of all micro-batches, summed one after the other.
torch::Tensor serial_mean() {
  std::vector<std::int64_t> sum(kSize, 0);
  for (std::int64_t m = 0; m < kMicroBatches; ++m) {
    const torch::Tensor gradients = gradients_of(m);
    EXPECT_EQ(add_exactly(std::span(gradients.data_ptr<float>(), kSize), sum), Addends::all_in_range);
  }
  torch::Tensor mean = torch::empty({kSize});
  exact_mean(sum, kMicroBatches, std::span(mean.data_ptr<float>(), kSize));
  return mean;
}

GradientReducer::StepSums finish(GradientReducer& reducer, torch::Tensor& mean, std::int64_t num_micro_batches,
                                 const StepNotes& notes = {}) {
  return reducer.read(reducer.finalize(mean, {.num_micro_batches = num_micro_batches}, notes, "test"));
}

class GradientReducerTest : public GroupOnEachDevice {
 protected:
  /// Returns this rank's micro-batches under different deals, in the order in which it computes them.
  std::vector<std::vector<std::int64_t>> deals() const {
    std::vector<std::int64_t> contiguous, cyclic, all_on_the_last;
    for (std::int64_t m = 0; m < kMicroBatches; ++m) {
      if (m * group_->size() / kMicroBatches == group_->rank()) contiguous.push_back(m);
      if (m % group_->size() == group_->rank()) cyclic.insert(cyclic.begin(), m);
      if (group_->rank() + 1 == group_->size()) all_on_the_last.push_back((m + 5) % kMicroBatches);
    }
    return {contiguous, cyclic, all_on_the_last};
  }
  bool is_last() const { return group_->rank() + 1 == group_->size(); }
  Loss loss_of(double value, std::int64_t weight = 1) const {
    return {torch::full({}, static_cast<float>(value), device()),
            torch::full({1}, weight, torch::dtype(torch::kInt64).device(device()))};
  }
  torch::Tensor full(float value) const { return torch::full({kSize}, value, device()); }
};
INCUBATE_TEST_ON_EACH_DEVICE(GradientReducerTest);

TEST_P(GradientReducerTest, ExactMeanIsTheSerialOneBitForBitWhateverTheDeal) {
  const torch::Tensor expected = serial_mean();
  GradientReducer reducer(*group_, Sums::exact, kSize, kSize);
  for (const std::vector<std::int64_t>& deal : deals()) {
    for (const std::int64_t m : deal) reducer.add(gradients_of(m).to(device()), loss_of(0.5 * static_cast<double>(m)));
    torch::Tensor mean = full(7);
    const GradientReducer::StepSums sums = finish(reducer, mean, kMicroBatches);
    EXPECT_EQ(std::memcmp(mean.cpu().data_ptr(), expected.data_ptr(), expected.nbytes()), 0);
    EXPECT_EQ(sums.mean_loss, 0.25 * (kMicroBatches - 1));
    EXPECT_EQ(sums.num_nonfinite, 0);
    EXPECT_EQ(sums.notes.stop, 0);
  }
}

TEST_P(GradientReducerTest, FastMeanOfSmallIntegersIsExactToo) {
  GradientReducer reducer(*group_, Sums::fast, kSize, kSize);
  for (int step = 0; step < 2; ++step) {
    reducer.add(full(static_cast<float>(group_->rank())), loss_of(group_->rank()));
    torch::Tensor mean = full(7);
    const GradientReducer::StepSums sums = finish(reducer, mean, group_->size());
    EXPECT_TRUE((mean == 0.5 * (group_->size() - 1)).all().item<bool>());
    EXPECT_EQ(sums.mean_loss, 0.5 * (group_->size() - 1));
    EXPECT_EQ(sums.num_nonfinite, 0);
    EXPECT_EQ(sums.notes.stop, 0);
  }
}

TEST_P(GradientReducerTest, EveryRankCountsTheMicroBatchesThatAreNotFinite) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  GradientReducer reducer(*group_, Sums::exact, kSize, kSize);
  const auto bad_gradients = [&](float value) {
    torch::Tensor gradients = full(0);
    gradients[kSize - 1] = value;
    return gradients;
  };
  reducer.add(full(0), loss_of(1));
  if (is_last()) {
    reducer.add(bad_gradients(std::nanf("")), loss_of(1));
    reducer.add(bad_gradients(kInfinity), loss_of(1));
    reducer.add(bad_gradients(1024), loss_of(1));
    reducer.add(full(0), loss_of(std::nan("")));
    reducer.add(full(0), loss_of(1024));
    reducer.add(bad_gradients(kInfinity), loss_of(std::nan("")));  // one micro-batch, though both are bad
  }
  torch::Tensor mean = full(7);
  EXPECT_EQ(finish(reducer, mean, group_->size() + 6).num_nonfinite, 6);
  reducer.add(full(0), loss_of(1));
  const GradientReducer::StepSums next = finish(reducer, mean, group_->size());
  EXPECT_EQ(next.num_nonfinite, 0);
  EXPECT_EQ(next.mean_loss, 1);
  EXPECT_TRUE((mean == 0).all().item<bool>());
}

TEST_P(GradientReducerTest, FastSumsNoticeALossThatIsNotFinite) {
  GradientReducer reducer(*group_, Sums::fast, kSize, kSize);
  torch::Tensor mean = full(7);
  reducer.add(full(0), loss_of(is_last() ? std::nan("") : 1));
  EXPECT_EQ(finish(reducer, mean, group_->size()).num_nonfinite, 1);
  EXPECT_TRUE(reducer.is_bad().item<bool>());
}

TEST_P(GradientReducerTest, FastSumsLeaveAGradientThatIsNotFiniteInTheMean) {
  GradientReducer reducer(*group_, Sums::fast, kSize, kSize);
  torch::Tensor mean = full(7);
  reducer.add(is_last() ? full(std::nanf("")) : full(0), loss_of(1));
  finish(reducer, mean, group_->size());
  EXPECT_FALSE(mean.isfinite().any().item<bool>());
}

// Each rank has two micro-batches with losses over 3 and 5 of 8 values, divided by 8. The last four addends are
// statistics.
TEST_P(GradientReducerTest, GradientsAreDividedByTheWeightStatisticsByTheMicroBatches) {
  constexpr std::int64_t kGradients = kSize - 4;
  for (const Sums kind : {Sums::exact, Sums::fast}) {
    GradientReducer reducer(*group_, kind, kGradients, kSize);
    for (const std::int64_t weight : {3, 5}) {
      reducer.add(full(static_cast<float>(weight) / 8), loss_of(2.0 * static_cast<double>(weight) / 8, weight));
    }
    torch::Tensor mean = full(7);
    const auto pending =
        reducer.finalize(mean, {.nominal_weight = 8, .num_micro_batches = 2L * group_->size()}, StepNotes{}, "test");
    EXPECT_EQ(reducer.read(pending).mean_loss, 2);
    EXPECT_TRUE((mean.narrow(0, 0, kGradients) == 1).all().item<bool>());
    EXPECT_TRUE((mean.narrow(0, kGradients, 4) == 0.5).all().item<bool>());
  }
}

TEST_P(GradientReducerTest, NothingWithAWeightIsNoDivisionByZero) {
  GradientReducer reducer(*group_, Sums::exact, kSize, kSize);
  reducer.add(full(0), loss_of(0, 0));
  torch::Tensor mean = full(7);
  EXPECT_EQ(finish(reducer, mean, group_->size()).mean_loss, 0);
  EXPECT_TRUE((mean == 0).all().item<bool>());
}

TEST_P(GradientReducerTest, NotesAddUpOverTheRanks) {
  constexpr std::int64_t kTebibyte = std::int64_t{1} << 40;
  for (const Sums kind : {Sums::exact, Sums::fast}) {
    GradientReducer reducer(*group_, kind, kSize, kSize);
    torch::Tensor mean = full(7);
    const std::int64_t n = group_->size();
    for (const std::int64_t wait_ns : {2'000'000'000L, 5L}) {  // each step anew
      const StepNotes own = {.stop = is_last() ? 1 : 0,
                             .save = 0,
                             .data_wait_ns = wait_ns,
                             .memory_peak_bytes = (1 + group_->rank()) * kTebibyte,
                             .communication_wait_ns = is_last() ? wait_ns : 0};
      const StepNotes sums = finish(reducer, mean, n, own).notes;
      EXPECT_EQ(sums.stop, 1);
      EXPECT_EQ(sums.save, 0);
      EXPECT_EQ(sums.data_wait_ns, n * wait_ns);
      EXPECT_EQ(sums.memory_peak_bytes, n * (n + 1) / 2 * kTebibyte);
      EXPECT_EQ(sums.communication_wait_ns, wait_ns);
      const StepNotes none = finish(reducer, mean, n, {.save = 1}).notes;
      EXPECT_EQ(none.stop, 0);
      EXPECT_EQ(none.save, n);
      EXPECT_FALSE(none.communication_wait_ns.has_value());
    }
  }
}

TEST_P(GradientReducerTest, AReductionTakesAsLongAsItsSlowestRank) {
  constexpr double kLate_s = 0.05;
  GradientReducer reducer(*group_, Sums::exact, kSize, kSize);
  torch::Tensor mean = full(7);
  group_->communicator().barrier("beginning together");
  if (is_last()) std::this_thread::sleep_for(std::chrono::duration<double>(kLate_s));
  const double reduction_s = finish(reducer, mean, group_->size()).reduction_s;
  EXPECT_GT(reduction_s, is_last() ? 0 : 0.8 * kLate_s);
}

TEST_P(GradientReducerTest, SumsThatBeginEarlyAreTheSame) {
  const std::int64_t per_rank = kMicroBatches / group_->size();
  for (const Sums kind : {Sums::exact, Sums::fast}) {
    GradientReducer plain(*group_, kind, kSize, kSize);
    GradientReducer early(*group_, kind, kSize, kSize);
    for (int step = 0; step < 2; ++step) {
      for (std::int64_t m = 0; m < per_rank; ++m) {
        const torch::Tensor gradients = gradients_of((group_->rank() * per_rank) + m).to(device());
        plain.add(gradients, loss_of(2));
        if (m + 1 == per_rank) {
          for (const Share range : {Share{700, 900}, Share{100, 700}}) early.sum_early(gradients, range, "test");
        }
        early.add(gradients, loss_of(2));
      }
      torch::Tensor expected = full(7), mean = full(7);
      finish(plain, expected, per_rank * group_->size());
      EXPECT_EQ(finish(early, mean, per_rank * group_->size()).mean_loss, 2);
      EXPECT_TRUE(kind == Sums::fast || torch::equal(mean, expected));
      EXPECT_TRUE(torch::allclose(mean, expected));
    }
  }
}

TEST_P(GradientReducerTest, TheOwnerOfAChunkHasItsMean) {
  constexpr std::int64_t kWide = 10 * kChunkBlock;
  GradientReducer reducer(*group_, Sums::exact, kWide, kWide, MeanFor::owner);
  reducer.add(torch::arange(kWide, device()) * (1.0F / 256), loss_of(1));
  torch::Tensor mean = torch::full({kWide}, -1.0F, device());
  finish(reducer, mean, group_->size());
  const Share own = group_->chunk(mean);
  EXPECT_TRUE(torch::equal(mean.narrow(0, own.begin, own.size()),
                           (torch::arange(kWide, device()) * (1.0F / 256)).narrow(0, own.begin, own.size())));
  EXPECT_EQ((mean == -1).sum().item<std::int64_t>(), kWide - own.size());
}

}  // namespace
}  // namespace incubate
