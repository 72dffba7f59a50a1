#include "train/train_together.h"

#include <array>
#include <chrono>
#include <cmath>
#include <deque>
#include <memory>
#include <thread>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "support/small_training.h"

namespace incubate {
namespace {

constexpr std::int64_t kSteps = SmallData::kSteps;

std::vector<bool> only(std::int64_t stage) {
  std::vector<bool> is_learning(3, false);
  is_learning[stage] = true;
  return is_learning;
}

/// The incubations of a network's three stages on one group, which share what they can.
class Incubations {
 public:
  Incubations(ProcessGroup& group, const std::vector<std::int64_t>& depths, const std::vector<std::int64_t>& stages) {
    ModelConfig config = tiny_model_config();
    config.depths = depths;
    for (const std::int64_t stage : stages) {
      all_.push_back(std::make_unique<SmallTraining>(group, small_recipe(), only(stage), hybrid_spec(config, stage),
                                                     static_cast<double>(1 + stage)));
      for (std::int64_t i = 0; i < 3; ++i) share_frozen_stage(i);
    }
  }
  SmallTraining& operator[](std::size_t i) { return *all_[i]; }
  std::size_t size() const { return all_.size(); }

 private:
  /// Gives the last model the stage of the first model in which it is also frozen.
  void share_frozen_stage(std::int64_t i) {
    StagedModel& last = all_.back()->model();
    for (const auto& before : all_) {
      if (last.is_learning()[i] || before->model().is_learning()[i]) continue;
      last.share_stage(i, before->model());
      return;
    }
  }

  std::vector<std::unique_ptr<SmallTraining>> all_;
};

class TrainTogether : public testing::Test {
 protected:
  void train(std::vector<Participant> participants) {
    Loader loader = data_.train_loader();
    Loader validation = data_.validation_loader(group_);
    train_together(participants, loader, {validation, validation}, group_);
  }
  void train(Incubations& incubations) {
    std::vector<Participant> participants;
    for (std::size_t i = 0; i < incubations.size(); ++i) {
      participants.push_back(incubations[i].participant(kSteps));
    }
    train(participants);
  }
  /// Compares each stage with a training alone, to its end.
  void expect_as_alone(Incubations& together, const std::vector<std::int64_t>& depths) {
    for (std::int64_t stage = 0; stage < 3; ++stage) {
      SCOPED_TRACE(stage);
      Incubations alone(group_, depths, {stage});
      train(alone);
      EXPECT_TRUE(same_bits(together[stage].values(), alone[0].values()));
      ASSERT_EQ(together[stage].metrics().steps.size(), kSteps);
      ASSERT_EQ(together[stage].metrics().epochs.size(), alone[0].metrics().epochs.size());
      for (std::size_t i = 0; i < kSteps; ++i) {
        EXPECT_EQ(together[stage].metrics().steps[i].loss, alone[0].metrics().steps[i].loss);
      }
      EXPECT_EQ(together[stage].metrics().epochs.back().evaluation.at("loss"),
                alone[0].metrics().epochs.back().evaluation.at("loss"));
    }
  }

  SmallData data_;
  ProcessGroup group_{test_world().split(0), torch::kCPU};
};

/// Equal depths share the prefix's stochastic depth, other depths do not.
class TrainTogetherDepths : public TrainTogether, public testing::WithParamInterface<std::vector<std::int64_t>> {};

TEST_P(TrainTogetherDepths, WeightsAreThoseOfEachAloneBitForBit) {
  Incubations together(group_, GetParam(), {0, 1, 2});
  train(together);
  expect_as_alone(together, GetParam());
}

TEST_P(TrainTogetherDepths, AlsoWhenTheyBeginAtDifferentSteps) {
  Incubations together(group_, GetParam(), {0, 1, 2});
  train({together[1].participant(3), together[2].participant(1)});
  train(together);
  expect_as_alone(together, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Depths, TrainTogetherDepths,
                         testing::Values(std::vector<std::int64_t>{2, 2, 2}, std::vector<std::int64_t>{2, 1, 3}));

TEST_F(TrainTogether, ThoseBehindGoFirstUntilAllAreAtOneStep) {
  Incubations together(group_, {2, 2, 2}, {0, 1, 2});
  train({together[1].participant(2)});
  std::vector<std::string> events;
  std::vector<Participant> participants;
  for (std::size_t i = 0; i < 3; ++i) {
    participants.push_back(together[i].participant(i == 0 ? 3 : 4));
    participants[i].on_step = [&events, i](const StepRow& row) { events.push_back(fmt::format("{}:{}", i, row.step)); };
    participants[i].on_end = [&events, i] { events.push_back(fmt::format("{} ends", i)); };
  }
  train(participants);
  EXPECT_EQ(events, (std::vector<std::string>{"0:0", "2:0", "0:1", "2:1", "0:2", "1:2", "2:2", "0 ends", "1:3", "2:3",
                                              "1 ends", "2 ends"}));
}

TEST_F(TrainTogether, TimeIsDividedByFlops) {
  Incubations together(group_, {2, 2, 2}, {0, 1, 2});
  train({together[0].participant(1), together[1].participant(1), together[2].participant(1)});
  // FLOPs were given as 1, 2 and 3; the first step comes before any evaluation.
  const double first = together[0].metrics().steps[0].elapsed_s;
  EXPECT_GT(first, 0);
  EXPECT_NEAR(together[1].metrics().steps[0].elapsed_s / first, 2, 1e-9);
  EXPECT_NEAR(together[2].metrics().steps[0].elapsed_s / first, 3, 1e-9);
  EXPECT_NEAR(together[0].metrics().steps[0].images_per_s, SmallData::kGlobal / (6 * first), 1e-6 / first);
}

TEST_F(TrainTogether, UtilisationIsThatOfTheWholeGroupByAllThatItTrains) {
  Incubations together(group_, {2, 2, 2}, {0, 1, 2});
  train({together[0].participant(1), together[1].participant(1), together[2].participant(1)});
  // FLOPs an image were given as 1, 2 and 3.
  const StepRow& row = together[0].metrics().steps[0];
  const double expected = 6 * row.images_per_s / (group_.size() * SmallTraining::kPeakFlops);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(together[i].metrics().steps[0].model_flops_utilisation / expected, 1, 1e-9);
  }
}

TEST_F(TrainTogether, MemoryIsThatOfAProcessWithLibTorch) {
  Incubations training(group_, {2, 2, 2}, {0});
  train({training[0].participant(1)});
  const double before = training[0].metrics().steps[0].memory_peak_bytes;
  EXPECT_GT(before, 50e6);
  EXPECT_LT(before, 8e9);
  constexpr std::int64_t kMore = 256 << 20;
  { const torch::Tensor more = torch::ones({kMore}, torch::kUInt8); }
  train({training[0].participant(2)});
  EXPECT_GT(training[0].metrics().steps[1].memory_peak_bytes, kMore);
  EXPECT_GE(training[0].metrics().steps[1].memory_peak_bytes, before);
}

TEST_F(TrainTogether, HooksAreCalledAroundStepsAndNotAroundEvaluations) {
  Incubations together(group_, {2, 2, 2}, {0, 1});
  std::vector<std::string> events;
  const auto note = [&events](const char* what) { return [&events, what] { events.emplace_back(what); }; };
  std::vector<Participant> participants = {together[0].participant(2), together[1].participant(2)};
  participants[0].on_step = [&events](const StepRow&) { events.emplace_back("step"); };
  participants[0].on_evaluation_batch = note("evaluation");
  Loader loader = data_.train_loader();
  Loader validation = data_.validation_loader(group_);
  train_together(participants, loader, {validation, validation}, group_, {},
                 {.before_step = note("before"), .after_step = note("after")});
  std::vector<std::string> expected = {"before", "step", "after", "before", "step", "after"};
  while (expected.size() < events.size()) expected.emplace_back("evaluation");
  EXPECT_EQ(events, expected);
}

TEST_F(TrainTogether, EachStepButTheLastKnowsTheReductionsOfAll) {
  constexpr double kLate_s = 0.2;
  Incubations together(group_, {2, 2, 2}, {0, 1});
  std::vector<Participant> participants;
  for (std::size_t i = 0; i < 2; ++i) participants.push_back(together[i].participant(3));
  Loader loader = data_.train_loader();
  Loader validation = data_.validation_loader(group_);
  std::int64_t step = 0;
  const bool is_last = group_.rank() + 1 == group_.size();
  // The last rank comes late to the second step, for which the others wait in its reduction.
  train_together(participants, loader, {validation, validation}, group_, [&] {
    if (step++ == 1 && is_last) std::this_thread::sleep_for(std::chrono::duration<double>(kLate_s));
    return false;
  });
  const std::vector<StepRow>& rows = together[0].metrics().steps;
  const double others = static_cast<double>(group_.size() - 1) / group_.size();
  EXPECT_GT(rows[0].communication_wait_s, 0);
  EXPECT_GT(rows[1].communication_wait_s, 0.8 * kLate_s * others);
  EXPECT_TRUE(std::isnan(rows[2].communication_wait_s));
  for (std::size_t i = 0; i < 2; ++i) {  // of both, in both
    EXPECT_EQ(together[1].metrics().steps[i].communication_wait_s, rows[i].communication_wait_s);
  }
}

}  // namespace
}  // namespace incubate
