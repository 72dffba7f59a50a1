#include "train/trainer.h"

#include <cstring>
#include <optional>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "support/small_dataset.h"
#include "support/temporary_directory.h"
#include "support/test_world.h"
#include "support/thrown_message.h"
#include "support/tiny_model.h"

namespace incubate {
namespace {

constexpr std::int64_t kGlobal = 12, kMicro = 2, kImages = 24,
                       kSteps = 5;  // two steps an epoch, six micro-batches each

bool same_bits(const torch::Tensor& a, const torch::Tensor& b) {
  return a.numel() == b.numel() && std::memcmp(a.data_ptr(), b.data_ptr(), a.nbytes()) == 0;
}

PhaseConfig small_recipe() {
  PhaseConfig recipe;
  recipe.micro = kMicro;
  recipe.learning_rate = 0.2;  // at a batch of 512
  recipe.warmup_epochs = 1;
  recipe.drop_path = 0.3;
  recipe.clip_norm = 1;
  return recipe;
}

/// A model, its data and its trainer on one group.
class SmallTraining {
 public:
  SmallTraining(const Dataset& train, const Dataset& validation, Communicator communicator, const PhaseConfig& recipe,
                const std::vector<bool>& is_learning)
      : group_(std::move(communicator), torch::kCPU),
        model_(make_initialised(target_spec(tiny_model_config()))),
        train_(train, kNormalisation, {.crop_padding = 1, .flip = true},
               Sampler(kImages, kGlobal, kMicro, 3, Phase::meta), 3, Phase::meta),
        validation_(validation, kNormalisation, 4) {
    model_.set_learning(is_learning);
    trainer_.emplace(model_, train_, validation_, group_,
                     TrainerSettings{.name = "small",
                                     .phase = Phase::meta,
                                     .recipe = recipe,
                                     .optimizer = {},
                                     .sums = Sums::exact,
                                     .seed = 3,
                                     .global_batch = kGlobal,
                                     .total_steps = kSteps,
                                     .checkpoint_every_steps = 2,
                                     .block_flops_per_image = 10});
  }

  Trainer& trainer() { return *trainer_; }
  StagedModel& model() { return model_; }
  /// All learning parameters.
  torch::Tensor values() { return trainer_->parameters().values(); }

 private:
  inline static const Normalisation kNormalisation = {.mean = {0.5}, .std = {0.25}};

  ProcessGroup group_;
  StagedModel model_;
  TrainLoader train_;
  EvaluationLoader validation_;
  std::optional<Trainer> trainer_;
};

class TrainerTest : public testing::Test {
 protected:
  /// A training on groups of `group_size` ranks (the last may be smaller), all doing the same.
  std::unique_ptr<SmallTraining> make(int group_size, const PhaseConfig& recipe = small_recipe(),
                                      const std::vector<bool>& is_learning = {true, true, true}) {
    return std::make_unique<SmallTraining>(train_, validation_, test_world().split(test_world().rank() / group_size),
                                           recipe, is_learning);
  }
  int world_size() const { return test_world().size(); }

  TemporaryDirectory directory_;
  std::filesystem::path path_ = pack_small_dataset(directory_.path(), {.num_train = kImages, .num_validation = 11});
  Dataset train_{path_, Split::train};
  Dataset validation_{path_, Split::validation};
};

TEST_F(TrainerTest, WeightsAreTheSameBitForBitOnAnyNumberOfRanks) {
  const auto alone = make(1);
  const torch::Tensor first = alone->values().clone();
  const Evaluation expected = alone->trainer().run({});
  EXPECT_FALSE(same_bits(alone->values(), first));
  for (int size = 2; size <= world_size(); ++size) {
    const auto together = make(size);
    const Evaluation evaluation = together->trainer().run({});
    EXPECT_TRUE(same_bits(together->values(), alone->values())) << size << " ranks";
    EXPECT_EQ(evaluation.loss, expected.loss);
    EXPECT_EQ(evaluation.top1, expected.top1);
    for (std::size_t i = 0; i < kSteps; ++i) {
      const StepRow &a = together->trainer().metrics().steps[i], &b = alone->trainer().metrics().steps[i];
      EXPECT_EQ(a.loss, b.loss);
      EXPECT_EQ(a.gradient_norm, b.gradient_norm);
    }
  }
}

TEST_F(TrainerTest, ResumedTrainingEqualsOneWithoutAStopBitForBit) {
  const auto whole = make(world_size());
  torch::Tensor values, mean, mean_square;
  std::int64_t saved_at = 0;
  whole->trainer().run({.on_step = {}, .save = [&](std::int64_t steps_done) {
                          if (saved_at != 0) return;
                          saved_at = steps_done;
                          values = whole->values().clone();
                          mean = whole->trainer().optimizer().exp_avg().clone();
                          mean_square = whole->trainer().optimizer().exp_avg_sq().clone();
                        }});
  ASSERT_EQ(saved_at, 2);
  const auto resumed = make(1);  // on another number of ranks
  {
    const torch::NoGradGuard no_grad;
    resumed->values().copy_(values);
    resumed->trainer().optimizer().exp_avg().copy_(mean);
    resumed->trainer().optimizer().exp_avg_sq().copy_(mean_square);
  }
  resumed->trainer().resume(saved_at, {}, 100);
  resumed->trainer().run({});
  EXPECT_TRUE(same_bits(resumed->values(), whole->values()));
  EXPECT_EQ(resumed->trainer().metrics().steps.size(), 3);
  EXPECT_EQ(resumed->trainer().metrics().steps.front().step, 2);
  EXPECT_GT(resumed->trainer().elapsed_s(), 100);
}

TEST_F(TrainerTest, HooksSeeEveryStepAndTheStatesToSave) {
  const auto training = make(world_size());
  std::vector<std::int64_t> steps, saved;
  training->trainer().run({.on_step = [&](const StepRow& row) { steps.push_back(row.step); },
                           .save = [&](std::int64_t steps_done) { saved.push_back(steps_done); }});
  EXPECT_EQ(steps, (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(saved, (std::vector<std::int64_t>{2, 4}));
}

TEST_F(TrainerTest, MetricsHaveARowAStepAndARowAnEpochAndOneAtTheEnd) {
  const auto training = make(world_size());
  const Evaluation last = training->trainer().run({});
  const Metrics& metrics = training->trainer().metrics();
  ASSERT_EQ(metrics.steps.size(), 5);
  const LrSchedule schedule = make_lr_schedule(small_recipe(), kGlobal, 2, kSteps);
  for (std::int64_t i = 0; i < kSteps; ++i) {
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
  EXPECT_EQ(metrics.epochs.back().evaluation.loss, last.loss);
}

TEST_F(TrainerTest, FrozenStagesStayAsTheyAreBitForBit) {
  StagedModel before = make_initialised(target_spec(tiny_model_config()));
  const auto training = make(world_size(), small_recipe(), {false, true, false});
  training->trainer().run({});
  for (std::int64_t i = 0; i < 3; ++i) {
    const std::vector<ParameterInfo> old = before.stage(i).list_parameters();
    const std::vector<ParameterInfo> now = training->model().stage(i).list_parameters();
    for (std::size_t p = 0; p < old.size(); ++p) {
      const bool is_same = same_bits(now[p].tensor.detach(), old[p].tensor.detach());
      EXPECT_EQ(is_same, i != 1) << "stage " << i << ", " << old[p].name;
    }
  }
}

TEST_F(TrainerTest, LearningLowersTheLoss) {
  PhaseConfig recipe = small_recipe();
  recipe.drop_path = 0;
  const auto training = make(world_size(), recipe);
  training->trainer().run({});
  EXPECT_LT(training->trainer().metrics().steps.back().loss, training->trainer().metrics().steps.front().loss);
}

TEST_F(TrainerTest, ALossOutOfRangeStopsEveryRankBeforeItIsApplied) {
  PhaseConfig recipe = small_recipe();
  recipe.learning_rate = 1e9;
  recipe.warmup_epochs = 0;
  recipe.clip_norm = 0;
  const auto training = make(world_size(), recipe);
  torch::Tensor after_first_step;
  const std::string message = thrown_message<std::runtime_error>([&] {
    training->trainer().run(
        {.on_step = [&](const StepRow&) { after_first_step = training->values().clone(); }, .save = {}});
  });
  EXPECT_EQ(
      message,
      "small: step 1 has a loss or gradient that is not finite, or above 1024, in 6 of 6 micro-batches. The step was "
      "not applied; checkpoints before it are good. Lower the learning rate or clip the gradient.");
  EXPECT_TRUE(same_bits(training->values(), after_first_step));
}

}  // namespace
}  // namespace incubate
