#include "train/trainer.h"

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <utility>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "support/small_training.h"
#include "support/thrown_message.h"
#include "support/tiny_resnet.h"
#include "train/evaluate.h"

namespace incubate {
namespace {

constexpr std::int64_t kGlobal = SmallData::kGlobal, kTrainerSteps = SmallData::kSteps;

/// A training alone on its group.
class LoneTraining {
 public:
  LoneTraining(const SmallData& data, Communicator communicator, const PhaseConfig& recipe,
               const std::vector<bool>& is_learning, const OptimizerConfig& optimizer, const ModelSpec& spec,
               OnNonfinite on_nonfinite, const Execution& execution)
      : group_(std::move(communicator), torch::kCPU),
        training_(group_, recipe, is_learning, spec, 10, optimizer, on_nonfinite, execution),
        train_(data.train_loader()),
        validation_(data.validation_loader(group_)) {}

  /// Returns the last evaluation, if there has been one.
  Figures run(std::int64_t until_step = kTrainerSteps, const std::function<void(const StepRow&)>& on_step = {}) {
    Participant participant = training_.participant(until_step);
    participant.on_step = on_step;
    return run(participant);
  }
  Figures run(const Participant& participant, const std::function<bool()>& should_stop = {}) {
    train_together(std::span(&participant, 1), train_, {validation_, validation_}, group_, should_stop);
    return metrics().epochs.empty() ? Figures{} : metrics().epochs.back().evaluation;
  }
  SmallTraining& training() { return training_; }
  Trainer& trainer() { return training_.trainer(); }
  StagedModel& model() { return training_.model(); }
  torch::Tensor values() { return training_.values(); }
  const Metrics& metrics() { return training_.metrics(); }

 private:
  ProcessGroup group_;
  SmallTraining training_;
  Loader train_;
  Loader validation_;
};

class TrainerTest : public testing::Test {
 protected:
  /// Returns a training on groups of `group_size` ranks (the last may be smaller), all doing the same.
  std::unique_ptr<LoneTraining> make(int group_size, const PhaseConfig& recipe = small_recipe(),
                                     const std::vector<bool>& is_learning = {true, true, true},
                                     const OptimizerConfig& optimizer = {},
                                     const ModelSpec& spec = target_spec(tiny_model_config()),
                                     OnNonfinite on_nonfinite = OnNonfinite::stop, const Execution& execution = {}) {
    return std::make_unique<LoneTraining>(data_, test_world().split(test_world().rank() / group_size), recipe,
                                          is_learning, optimizer, spec, on_nonfinite, execution);
  }
  int world_size() const { return test_world().size(); }

  SmallData data_;
};

TEST_F(TrainerTest, WeightsAreTheSameBitForBitOnAnyNumberOfRanks) {
  const auto alone = make(1);
  const torch::Tensor first = alone->values().clone();
  const Figures expected = alone->run();
  EXPECT_FALSE(same_bits(alone->values(), first));
  for (int size = 2; size <= world_size(); ++size) {
    const auto together = make(size);
    const Figures evaluation = together->run();
    EXPECT_TRUE(same_bits(together->values(), alone->values())) << size << " ranks";
    EXPECT_EQ(evaluation, expected);
    for (std::size_t i = 0; i < kTrainerSteps; ++i) {
      const StepRow &a = together->metrics().steps[i], &b = alone->metrics().steps[i];
      EXPECT_EQ(a.loss, b.loss);
      EXPECT_EQ(a.gradient_norm, b.gradient_norm);
    }
  }
}

/// Returns all buffers that a trainer resumes from.
std::vector<torch::Tensor> buffers_of(Trainer& trainer) {
  std::vector<torch::Tensor> buffers = {trainer.parameters().values()};
  for (const StateBuffer& state : trainer.optimizer().state()) buffers.push_back(state.values);
  if (trainer.average() != nullptr) buffers.push_back(trainer.average()->values());
  return buffers;
}

PhaseConfig trainer_average_recipe() {
  PhaseConfig recipe = small_recipe();
  recipe.layer_decay = 0.8;
  recipe.ema_decay = 0.7;
  return recipe;
}

/// Returns a network with so many parameters that several ranks have a chunk.
ModelSpec wide_spec() {
  ModelConfig config = tiny_model_config();
  config.width = 32;
  return target_spec(config);
}

struct Variant {
  const char* name;
  PhaseConfig recipe;
  OptimizerConfig optimizer;
  std::size_t num_buffers;
};

class TrainerResume : public TrainerTest, public testing::WithParamInterface<Variant> {};

TEST_P(TrainerResume, ResumedTrainingEqualsOneWithoutAStopBitForBit) {
  const std::vector<bool> all(3, true);
  const auto whole = make(world_size(), GetParam().recipe, all, GetParam().optimizer);
  whole->run();
  for (std::int64_t step = 1; step < kTrainerSteps; ++step) {
    SCOPED_TRACE(step);
    const auto stopped = make(world_size(), GetParam().recipe, all, GetParam().optimizer);
    stopped->run(step, {});
    const auto resumed = make(1, GetParam().recipe, all, GetParam().optimizer);  // on another number of ranks
    ASSERT_EQ(resumed->trainer().list_state().size(), GetParam().num_buffers);
    resumed->training().resume_from(stopped->training(), step);
    resumed->run();
    const std::vector<torch::Tensor> to = buffers_of(resumed->trainer()), expected = buffers_of(whole->trainer());
    for (std::size_t i = 0; i < to.size(); ++i) EXPECT_TRUE(same_bits(to[i], expected[i])) << i;
    EXPECT_EQ(resumed->metrics().epochs.back().evaluation.at("loss"),
              whole->metrics().epochs.back().evaluation.at("loss"));
    EXPECT_EQ(resumed->metrics().steps.size(), kTrainerSteps);
    EXPECT_GT(resumed->training().account().elapsed_s(), 100);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Variants, TrainerResume,
    testing::Values(Variant{"adamw", small_recipe(), {}, 3},
                    Variant{"sgd_layer_decay_average", trainer_average_recipe(), {.name = OptimizerName::sgd}, 3}),
    [](const auto& info) { return info.param.name; });

class TrainerExecution : public TrainerTest, public testing::WithParamInterface<Execution> {
 protected:
  std::unique_ptr<LoneTraining> make_so(const ModelSpec& spec, const Execution& execution) {
    return make(world_size(), trainer_average_recipe(), {true, true, true}, {}, spec, OnNonfinite::skip, execution);
  }
};

TEST_P(TrainerExecution, ChangesNoBitOfAResult) {
  for (const ModelSpec& spec : {wide_spec(), target_spec(tiny_resnet_config())}) {
    const auto plain = make_so(spec, {});
    const auto other = make_so(spec, GetParam());
    const Figures expected = plain->run();
    EXPECT_EQ(other->run().at("loss"), expected.at("loss"));
    EXPECT_TRUE(same_bits(other->values(), plain->values()));
    EXPECT_TRUE(same_bits(other->trainer().result(), plain->trainer().result()));
    const std::vector<NamedState> state = other->trainer().list_state(), expected_state = plain->trainer().list_state();
    for (std::size_t i = 0; i < expected_state.size(); ++i) {
      EXPECT_TRUE(same_bits(state[i].gather(), expected_state[i].gather())) << expected_state[i].name;
    }
    ASSERT_EQ(other->metrics().steps.size(), kTrainerSteps);
    for (std::size_t i = 0; i < kTrainerSteps; ++i) {
      const StepRow &a = other->metrics().steps[i], &b = plain->metrics().steps[i];
      EXPECT_EQ(a.step, b.step);
      EXPECT_EQ(a.loss, b.loss);
      EXPECT_EQ(a.gradient_norm, b.gradient_norm);
      EXPECT_EQ(a.learning_rate, b.learning_rate);
      EXPECT_GT(a.images_per_s, 0);
    }
    ASSERT_EQ(other->metrics().epochs.size(), plain->metrics().epochs.size());
    for (std::size_t i = 0; i < plain->metrics().epochs.size(); ++i) {
      EXPECT_EQ(other->metrics().epochs[i].train_loss, plain->metrics().epochs[i].train_loss);
    }
  }
}

TEST_P(TrainerExecution, ASkippedStepChangesNothing) {
  const auto poison = [&](LoneTraining& training) {
    training.run(1);
    const torch::NoGradGuard no_grad;
    const torch::Tensor first = training.values()[0];
    const torch::Tensor before = first.clone();
    if (test_world().rank() == world_size() - 1) first.fill_(std::numeric_limits<float>::max());
    {
      const torch::AutoGradMode grad(true);
      training.run(2);
    }
    EXPECT_EQ(training.trainer().steps_skipped(), 1);
    first.copy_(before);
    const torch::AutoGradMode grad(true);
    training.run();
  };
  const auto plain = make_so(wide_spec(), {});
  const auto other = make_so(wide_spec(), GetParam());
  poison(*plain);
  poison(*other);
  EXPECT_TRUE(same_bits(other->values(), plain->values()));
}

TEST_P(TrainerExecution, StateIsSavedAndResumed) {
  const auto whole = make_so(wide_spec(), {});
  whole->run();
  const auto stopped = make_so(wide_spec(), GetParam());
  std::vector<std::int64_t> saved_at;
  std::vector<torch::Tensor> state;
  bool is_asked = false;
  Participant participant = stopped->training().participant();
  participant.save_every = 3;
  participant.asks_to_save = [&] { return !std::exchange(is_asked, true) && test_world().rank() == 0; };
  participant.on_save = [&] {
    saved_at.push_back(stopped->trainer().steps_done());
    EXPECT_EQ(stopped->trainer().steps_open(), 0);
    state.clear();
    for (const NamedState& saved : stopped->trainer().list_state()) state.push_back(saved.gather().clone());
  };
  stopped->run(participant);
  // Saves are requested in the first step and every third one.
  EXPECT_EQ(saved_at, (std::vector<std::int64_t>{GetParam().reads_late ? 2 : 1, 3}));
  EXPECT_TRUE(same_bits(stopped->values(), whole->values()));
  const auto resumed = make_so(wide_spec(), GetParam());
  resumed->training().restore(state, 3, 0, stopped->metrics());
  resumed->run();
  EXPECT_TRUE(same_bits(resumed->values(), whole->values()));
}

TEST_P(TrainerExecution, StopsOnEveryRankAtTheSameStep) {
  const auto training = make_so(wide_spec(), GetParam());
  int asked = 0;
  std::int64_t ended_at = -1;
  Participant participant = training->training().participant();
  participant.on_end = [&] { ended_at = training->trainer().steps_done(); };
  training->run(participant, [&] { return ++asked == 3 && test_world().rank() == world_size() - 1; });
  EXPECT_EQ(ended_at, GetParam().reads_late ? 4 : 3);
  EXPECT_EQ(training->metrics().steps.size(), static_cast<std::size_t>(ended_at));
}

INSTANTIATE_TEST_SUITE_P(Ways, TrainerExecution,
                         testing::Values(Execution{.shard_optimizer = true}, Execution{.reads_late = true},
                                         Execution{.overlap_reduction = true},
                                         Execution{
                                             .shard_optimizer = true, .reads_late = true, .overlap_reduction = true}),
                         [](const auto& info) {
                           return std::string(info.param.shard_optimizer ? "sharded" : "whole") +
                                  (info.param.reads_late ? "_late" : "") +
                                  (info.param.overlap_reduction ? "_overlapped" : "");
                         });

TEST_F(TrainerTest, AnAverageIsEvaluatedAndChangesNoStep) {
  PhaseConfig recipe = small_recipe();
  const auto plain = make(world_size(), recipe);
  plain->run();
  recipe.ema_decay = 0.7;
  const auto averaged = make(world_size(), recipe);
  torch::Tensor expected = averaged->values().clone();
  averaged->run(kTrainerSteps, [&](const StepRow&) { expected = 0.7 * expected + 0.3 * averaged->values(); });
  EXPECT_TRUE(same_bits(averaged->values(), plain->values()));
  EXPECT_TRUE(torch::allclose(averaged->trainer().result(), expected, 1e-5, 1e-7));
  EXPECT_FALSE(torch::allclose(averaged->trainer().result(), plain->values(), 1e-2, 1e-3));
  EXPECT_TRUE(same_bits(plain->trainer().result(), plain->values()));

  // The last evaluation is that of a model with the average for weights.
  const auto other = make(world_size(), recipe);
  other->values().copy_(averaged->trainer().result());
  const std::array models = {&other->model()};
  ProcessGroup group(test_world().split(0), torch::kCPU);
  Loader validation = data_.validation_loader(group);
  const Figures evaluation = evaluate(models, other->trainer().task(), validation, group).front();
  EXPECT_EQ(averaged->metrics().epochs.back().evaluation.at("loss"), evaluation.at("loss"));
  EXPECT_NE(plain->metrics().epochs.back().evaluation.at("loss"), evaluation.at("loss"));
}

TEST_F(TrainerTest, AnAverageHasNothingOfFrozenStages) {
  PhaseConfig recipe = small_recipe();
  recipe.ema_decay = 0.7;
  const auto training = make(world_size(), recipe, {false, true, false});
  EXPECT_EQ(training->trainer().average()->values().numel(), training->values().numel());
  EXPECT_LT(training->values().numel(), make(1)->values().numel());
}

TEST_F(TrainerTest, HookSeesEveryStep) {
  const auto training = make(world_size());
  std::vector<std::int64_t> steps;
  training->run(kTrainerSteps, [&](const StepRow& row) { steps.push_back(row.step); });
  EXPECT_EQ(steps, (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
}

TEST_F(TrainerTest, MetricsHaveARowAStepAndARowAnEpochAndOneAtTheEnd) {
  const auto training = make(world_size());
  const Figures last = training->run();
  const Metrics& metrics = training->metrics();
  ASSERT_EQ(metrics.steps.size(), 5);
  const LrSchedule schedule = make_lr_schedule(small_recipe(), kGlobal, 2, kTrainerSteps);
  for (std::int64_t i = 0; i < kTrainerSteps; ++i) {
    EXPECT_EQ(metrics.steps[i].step, i);
    EXPECT_EQ(metrics.steps[i].learning_rate, learning_rate_at(schedule, i));
    EXPECT_GT(metrics.steps[i].images_per_s, 0);
  }
  ASSERT_EQ(metrics.epochs.size(), 3);
  const auto mean_loss = [&](std::int64_t a, std::int64_t b) {
    return (metrics.steps[a].loss + metrics.steps[b].loss) / 2;
  };
  const std::array<double, 3> train_losses = {mean_loss(0, 1), mean_loss(2, 3), metrics.steps[4].loss};
  const std::array<std::int64_t, 3> steps = {2, 4, 5};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(metrics.epochs[i].step, steps[i]);
    EXPECT_EQ(metrics.epochs[i].epoch, static_cast<double>(steps[i]) / 2);
    EXPECT_DOUBLE_EQ(metrics.epochs[i].train_loss, train_losses[i]);
    EXPECT_EQ(metrics.epochs[i].block_flops, 10.0 * kGlobal * static_cast<double>(steps[i]));
  }
  EXPECT_EQ(metrics.epochs.back().evaluation.at("loss"), last.at("loss"));
}

TEST_F(TrainerTest, FrozenStagesStayAsTheyAreBitForBit) {
  StagedModel before = make_initialised(target_spec(tiny_model_config()));
  const auto training = make(world_size(), small_recipe(), {false, true, false});
  training->run();
  for (std::int64_t i = 0; i < 3; ++i) {
    const std::vector<ParameterInfo> old = before.list_parameters(i);
    const std::vector<ParameterInfo> now = training->model().list_parameters(i);
    for (std::size_t p = 0; p < old.size(); ++p) {
      const bool is_same = same_bits(now[p].tensor.detach(), old[p].tensor.detach());
      EXPECT_EQ(is_same, i != 1) << "stage " << i << ", " << old[p].name;
    }
  }
}

const ModelSpec kResnet = target_spec(tiny_resnet_config());

TEST_F(TrainerTest, BatchNormGivesTheSameBitsOnAnyNumberOfRanks) {
  const auto alone = make(1, small_recipe(), {true, true, true}, {}, kResnet);
  const torch::Tensor first = alone->trainer().parameters().running_statistics().clone();
  const Figures expected = alone->run();
  EXPECT_FALSE(same_bits(alone->trainer().parameters().running_statistics(), first));
  for (int size = 2; size <= world_size(); ++size) {
    const auto together = make(size, small_recipe(), {true, true, true}, {}, kResnet);
    EXPECT_EQ(together->run().at("loss"), expected.at("loss"));
    EXPECT_TRUE(same_bits(together->values(), alone->values())) << size << " ranks";
  }
}

TEST_F(TrainerTest, RunningStatisticsMoveATenthOfTheWayToTheMeanOverTheMicroBatches) {
  PhaseConfig recipe = small_recipe();
  recipe.drop_path = 0;
  const auto training = make(world_size(), recipe, {true, true, true}, {}, kResnet);
  {
    const torch::NoGradGuard no_grad;  // not those of a new network, nor within the range of gradients
    training->trainer().parameters().running_statistics().mul_(3000).add_(2);
  }
  training->run(1);
  StagedModel model = make_initialised(kResnet);
  const torch::NoGradGuard no_grad;
  Loader loader = data_.train_loader();
  std::map<std::string, torch::Tensor> sums;
  for (std::int64_t m = 0; m < kGlobal / SmallData::kMicro; ++m) {
    const std::unique_ptr<Batch> batch = loader.load({.epoch = 0, .step_in_epoch = 0, .micro_batch = m});
    model.forward(ImageClassification(0).to_device(*batch, torch::kCPU).input, {});
    for (std::int64_t i = 0; i < 3; ++i) {
      for (const StatisticInfo& s : model.stage(i).list_statistics()) {
        const torch::Tensor value = s.batch.to(torch::kFloat64);
        torch::Tensor& sum = sums[std::to_string(i) + s.name];
        sum = sum.defined() ? sum + value : value;
      }
    }
  }
  for (std::int64_t i = 0; i < 3; ++i) {
    for (const StatisticInfo& s : training->model().stage(i).list_statistics()) {
      const double before = s.name.ends_with("var") ? 3002 : 2;
      const torch::Tensor expected = (0.9 * before) + (0.1 / 6 * sums.at(std::to_string(i) + s.name));
      EXPECT_LT(((s.running - expected) / expected).abs().max().item<double>(), 1e-6) << s.name;
    }
  }
}

TEST_F(TrainerTest, FrozenStagesKeepTheirRunningStatisticsBitForBit) {
  StagedModel before = make_initialised(kResnet);
  const auto training = make(world_size(), small_recipe(), {false, true, false}, {}, kResnet);
  training->run();
  for (std::int64_t i = 0; i < 3; ++i) {
    const std::vector<StatisticInfo> old = before.stage(i).list_statistics();
    const std::vector<StatisticInfo> now = training->model().stage(i).list_statistics();
    for (std::size_t s = 0; s < old.size(); ++s) {
      EXPECT_EQ(same_bits(now[s].running, old[s].running), i != 1) << "stage " << i << ", " << old[s].name;
    }
  }
}

TEST_F(TrainerTest, AStatisticOutOfRangeStopsEveryRank) {
  const auto training = make(world_size(), small_recipe(), {true, true, true}, {}, kResnet);
  {
    const torch::NoGradGuard no_grad;
    training->model().stage(0).named_parameters()["conv1.weight"].mul_(1e4);
  }
  EXPECT_EQ(thrown_message<std::runtime_error>([&] { training->run(); }),
            "small: step 0 has a loss or gradient that is not finite, or above 1024, or a batch norm statistic above "
            "1048576, in 6 of 6 micro-batches. The step was not applied; checkpoints before it are good. Lower the "
            "learning rate, clip the gradient, or leave such steps out (train.on_nonfinite=skip).");
}

TEST_F(TrainerTest, LearningLowersTheLoss) {
  PhaseConfig recipe = small_recipe();
  recipe.drop_path = 0;
  const auto training = make(world_size(), recipe);
  training->run();
  EXPECT_LT(training->metrics().steps.back().loss, training->metrics().steps.front().loss);
}

/// Returns a recipe with a learning rate after which no step is finite.
PhaseConfig absurd_recipe() {
  PhaseConfig recipe = small_recipe();
  recipe.learning_rate = 1e9;
  recipe.warmup_epochs = 0;
  recipe.clip_norm = 0;
  return recipe;
}

TEST_F(TrainerTest, ALossOutOfRangeStopsEveryRankBeforeItIsApplied) {
  const auto training = make(world_size(), absurd_recipe());
  torch::Tensor after_first_step;
  const std::string message = thrown_message<std::runtime_error>(
      [&] { training->run(kTrainerSteps, [&](const StepRow&) { after_first_step = training->values().clone(); }); });
  EXPECT_EQ(
      message,
      "small: step 1 has a loss or gradient that is not finite, or above 1024, in 6 of 6 micro-batches. The step was "
      "not applied; checkpoints before it are good. Lower the learning rate, clip the gradient, or leave such steps "
      "out "
      "(train.on_nonfinite=skip).");
  EXPECT_TRUE(same_bits(training->values(), after_first_step));
}

/// A residual network's training with an average, which may skip steps.
class TrainerSkip : public TrainerTest {
 protected:
  std::unique_ptr<LoneTraining> make_skipping(int group_size) {
    return make(group_size, trainer_average_recipe(), {true, true, true}, {}, kResnet, OnNonfinite::skip);
  }
  /// Makes a step. With `is_poisoned`, a parameter makes everything on this rank not finite.
  static void run_poisoned(LoneTraining& training, std::int64_t until_step, bool is_poisoned) {
    const torch::NoGradGuard no_grad;
    const torch::Tensor first = training.values()[0];
    const torch::Tensor before = first.clone();
    if (is_poisoned) first.fill_(std::numeric_limits<float>::max());
    {
      const torch::AutoGradMode grad(true);
      training.run(until_step);
    }
    first.copy_(before);
  }
};

TEST_F(TrainerSkip, AStepThatOneRankCannotMakeIsSkippedByAllAndChangesNothing) {
  const auto training = make_skipping(world_size());
  training->run(1);
  std::vector<torch::Tensor> before;
  for (const torch::Tensor& buffer : buffers_of(training->trainer())) before.push_back(buffer.clone());
  run_poisoned(*training, 2, test_world().rank() == world_size() - 1);
  const std::vector<torch::Tensor> after = buffers_of(training->trainer());
  for (std::size_t i = 0; i < after.size(); ++i) EXPECT_TRUE(same_bits(after[i], before[i])) << i;
  EXPECT_EQ(training->trainer().steps_done(), 2);
  EXPECT_EQ(training->trainer().steps_skipped(), 1);
  const std::vector<StepRow>& rows = training->metrics().steps;
  EXPECT_FALSE(rows[0].is_skipped());
  EXPECT_TRUE(rows[1].is_skipped());
  EXPECT_TRUE(std::isnan(rows[1].gradient_norm));
  EXPECT_EQ(rows[1].step, 1);
  EXPECT_EQ(training->metrics().epochs[0].train_loss, rows[0].loss);  // the mean of the steps that were made
  training->run();
  EXPECT_EQ(training->trainer().steps_skipped(), 1);
  EXPECT_FALSE(same_bits(training->values(), before[0]));
}

TEST_F(TrainerSkip, TrainingsResumedAfterASkippedStepEqualOneWithoutAStop) {
  const auto whole = make_skipping(world_size());
  whole->run(1);
  run_poisoned(*whole, 2, true);
  const auto resume = [&](std::int64_t steps_skipped) {
    auto resumed = make_skipping(1);
    resumed->training().resume_from(whole->training(), 2, steps_skipped);
    return resumed;
  };
  const auto resumed = resume(1);
  const auto forgetful = resume(0);  // the control: AdamW's bias correction counts the updates
  for (const auto* training : {&whole, &resumed, &forgetful}) (*training)->run();
  EXPECT_TRUE(same_bits(resumed->values(), whole->values()));
  EXPECT_FALSE(same_bits(forgetful->values(), whole->values()));
}

TEST_F(TrainerSkip, TenInARowStopEveryRank) {
  const auto training =
      make(world_size(), absurd_recipe(), {true, true, true}, {}, target_spec(tiny_model_config()), OnNonfinite::skip);
  EXPECT_EQ(
      thrown_message<std::runtime_error>([&] { training->run(20); }),
      "small: step 10 has a loss or gradient that is not finite, or above 1024, in 6 of 6 micro-batches. It is the "
      "last of 10 such steps in a row, which were skipped: from its weights the training cannot go on. Lower the "
      "learning rate or clip the gradient.");
  EXPECT_EQ(training->trainer().steps_skipped(), 9);
  EXPECT_EQ(training->trainer().steps_done(), 11);  // the last one, which was not completed, too
}

}  // namespace
}  // namespace incubate
