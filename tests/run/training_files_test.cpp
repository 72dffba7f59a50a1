#include "run/training_files.h"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/clock.h"
#include "checkpoint/lock.h"
#include "hdf5/atomic_file.h"
#include "support/small_training.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

PhaseConfig averaged_recipe() {
  PhaseConfig recipe = small_recipe();
  recipe.ema_decay = 0.9;
  return recipe;
}

/// The files of the training "meta", and a trainer with a state to save. Every rank has its own.
class TrainingFilesTest : public testing::Test {
 protected:
  TrainingFilesTest() { run_.create(); }

  void set_state(float value) {
    const torch::NoGradGuard no_grad;
    trainer().parameters().values().fill_(value);
    trainer().optimizer().state().at(0).values.fill_(value + 1);
    trainer().optimizer().state().at(1).values.fill_(value + 2);
    trainer().average()->values().fill_(value + 3);
    trainer().resume(static_cast<std::int64_t>(value), 0);
  }
  void expect_state(const Checkpoint& checkpoint, float value) {
    EXPECT_EQ(checkpoint.header.step, static_cast<std::int64_t>(value));
    EXPECT_EQ(checkpoint.state.size(), 4 * trainer().parameters().views().size());
    for (const FlatView& view : trainer().parameters().views()) {
      const std::string name = std::to_string(view.stage) + "/" + view.name;
      EXPECT_TRUE(checkpoint.state.at("/stages/" + name).eq(value).all().item<bool>());
      EXPECT_TRUE(checkpoint.state.at("/optimizer/" + name + "/exp_avg").eq(value + 1).all().item<bool>());
      EXPECT_TRUE(checkpoint.state.at("/optimizer/" + name + "/exp_avg_sq").eq(value + 2).all().item<bool>());
      EXPECT_TRUE(checkpoint.state.at("/ema/" + name).eq(value + 3).all().item<bool>());
    }
  }
  Trainer& trainer() { return training_.trainer(); }
  TrainingAccount& account() { return training_.account(); }
  static void restore(const Checkpoint& checkpoint, Trainer& trainer) {
    for (const NamedState& state : trainer.list_state()) {
      torch::Tensor buffer = state.gather();
      copy_from(checkpoint, state, buffer);
      state.restore(buffer);
    }
  }

  TemporaryDirectory directory_;
  SmallData data_;
  RunConfig config_;
  RunDirectory run_{directory_.path()};
  std::vector<Training> trainings_ = [] {
    Training meta;
    meta.name = "meta";
    meta.identity_text = "text";
    meta.identity = "0123";
    return std::vector{meta};
  }();
  Lock lock_ = [this] {
    run_.create();
    return Lock(run_.lock("meta"));
  }();
  std::map<std::string, std::string> tokens_ = {{"meta", lock_.token()}};
  BackgroundWriter writer_;
  VerifiedFiles verified_;
  const std::vector<std::string> arithmetic_ = {"a kind"};
  RunContext context_{config_,          run_,    trainings_, tokens_,    data_.train,
                      data_.validation, writer_, verified_,  arithmetic_};
  ProcessGroup group_{test_world().split(test_world().rank()), torch::kCPU};
  SmallTraining training_{group_, averaged_recipe(), {true, true, true}};
  std::vector<std::string> warnings_;
  std::vector<std::string> notes_;
  TrainingFiles files_{context_, trainings_[0], [this](const std::string& text) { warnings_.push_back(text); },
                       [this](const std::string& text) { notes_.push_back(text); }};
};

TEST_F(TrainingFilesTest, TrainingMayGoOnWhileTheStateIsWritten) {
  writer_.submit([] { std::this_thread::sleep_for(std::chrono::milliseconds(200)); });  // the disk is slow
  set_state(3);
  const Stopwatch watch;
  files_.save_resume_point(trainer(), account(), {});
  EXPECT_LT(watch.elapsed_s(), 0.1);
  set_state(50);  // not what was to be saved
  files_.finish([] {});
  expect_state(load_checkpoint(run_.resume_point("meta", 3)), 3);
}

TEST_F(TrainingFilesTest, ASecondStateWaitsForTheFirst) {
  writer_.submit([] { std::this_thread::sleep_for(std::chrono::milliseconds(200)); });
  set_state(3);
  files_.save_resume_point(trainer(), account(), {});
  set_state(4);
  const double before = account().elapsed_s();
  files_.save_resume_point(trainer(), account(), {});
  EXPECT_GT(account().elapsed_s() - before, 0.1);  // the stall is the training's time
  files_.finish([] {});
  expect_state(load_checkpoint(run_.resume_point("meta", 3)), 3);
  expect_state(load_checkpoint(run_.resume_point("meta", 4)), 4);
  ASSERT_EQ(account().metrics().checkpoints.size(), 1);  // of the first: it is over
  EXPECT_EQ(account().metrics().checkpoints[0].step, 3);
  EXPECT_GT(account().metrics().checkpoints[0].write_s, 0);
}

TEST_F(TrainingFilesTest, StatesComeBack) {
  set_state(3);
  files_.save_resume_point(trainer(), account(), {{"elapsed_s", 7}});
  files_.finish([] {});
  const Checkpoint checkpoint = files_.load_resume_point(3);
  EXPECT_EQ(checkpoint.header.figures.at("elapsed_s"), 7);
  set_state(9);
  restore(checkpoint, trainer());
  for (const FlatView& view : trainer().parameters().views()) {
    EXPECT_TRUE(view.of(trainer().parameters().values()).eq(3).all().item<bool>());
    EXPECT_TRUE(view.of(trainer().optimizer().state()[0].values).eq(4).all().item<bool>());
    EXPECT_TRUE(view.of(trainer().optimizer().state()[1].values).eq(5).all().item<bool>());
    EXPECT_TRUE(view.of(trainer().average()->values()).eq(6).all().item<bool>());
  }
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(TrainingFilesTest, DamagedStatesNeverPushOutGoodOnes) {
  config_.checkpoint.keep = 2;
  set_state(3);
  files_.save_resume_point(trainer(), account(), {});
  files_.finish([] {});
  for (const std::int64_t step : {4, 7, 9}) replace_text_atomically(run_.resume_point("meta", step), "damaged");
  EXPECT_EQ(files_.load_resume_point(9).header.step, 3);
  EXPECT_EQ(warnings_.size(), 3);
  const auto save = [this](float step) {
    set_state(step);
    files_.save_resume_point(trainer(), account(), {});
    files_.finish([] {});
    return run_.list_resume_points("meta");
  };
  EXPECT_EQ(save(7), (std::vector<std::int64_t>{7, 3}));  // in the place of a damaged one
  expect_state(load_checkpoint(run_.resume_point("meta", 7)), 7);
  EXPECT_EQ(save(8), (std::vector<std::int64_t>{8, 7}));
}

TEST_F(TrainingFilesTest, AStateThatIsGoneIsNotTakenForTheBeginning) {
  EXPECT_EQ(thrown_message<std::runtime_error>([this] { files_.load_resume_point(5); }),
            "no checkpoint of meta after 5 steps is in " + directory_.path().string() +
                ", though it was there. Every host must see the same run.directory.");
}

TEST_F(TrainingFilesTest, FinishedWeightsAreTheAverageAndLeaveNothingToResumeFrom) {
  set_state(3);
  files_.save_resume_point(trainer(), account(), {});
  set_state(4);
  files_.save_finished(trainer(), account(), {});
  files_.finish([] {});
  EXPECT_TRUE(run_.list_resume_points("meta").empty());
  ASSERT_EQ(notes_.size(), 2);
  EXPECT_TRUE(notes_[0].starts_with("meta: step 3 is in checkpoints/meta/step_0000003.h5, written in ")) << notes_[0];
  EXPECT_TRUE(notes_[1].starts_with("meta: step 4 is in checkpoints/meta.h5, written in ")) << notes_[1];
  const Checkpoint checkpoint = load_checkpoint(run_.finished("meta"));
  EXPECT_EQ(checkpoint.header.step, 4);
  EXPECT_EQ(checkpoint.state.size(), trainer().parameters().views().size());
  for (const FlatView& view : trainer().parameters().views()) {
    EXPECT_TRUE(checkpoint.state.at(stage_key(view.stage, view.name)).eq(4 + 3).all().item<bool>());
  }
}

TEST_F(TrainingFilesTest, MomentumOfSgdComesBackUnderItsName) {
  SmallTraining sgd(group_, small_recipe(), {true, true, true}, target_spec(tiny_model_config()), 10,
                    {.name = OptimizerName::sgd});
  torch::Tensor momentum = sgd.trainer().optimizer().state().at(0).values;
  momentum.fill_(8);
  files_.save_resume_point(sgd.trainer(), sgd.account(), {});
  files_.finish([] {});
  const Checkpoint checkpoint = load_checkpoint(run_.resume_point("meta", 0));
  EXPECT_EQ(checkpoint.state.size(), 2 * sgd.trainer().parameters().views().size());
  EXPECT_TRUE(checkpoint.state.at("/optimizer/1/blocks.0.norm1.bias/momentum_buffer").eq(8).all().item<bool>());
  momentum.zero_();
  restore(checkpoint, sgd.trainer());
  for (const FlatView& view : sgd.trainer().parameters().views()) {
    EXPECT_TRUE(view.of(momentum).eq(8).all().item<bool>());
  }
}

TEST_F(TrainingFilesTest, AFailedWriteIsToldAtTheNextStep) {
  set_state(3);
  replace_text_atomically(run_.lock("meta"), R"({"token": "another job's"})");
  files_.save_resume_point(trainer(), account(), {});
  EXPECT_THROW(
      {
        for (int i = 0; i < 1000; ++i) {
          files_.check(account());
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
      },
      std::runtime_error);
  EXPECT_TRUE(run_.list_resume_points("meta").empty());
}

}  // namespace
}  // namespace incubate
