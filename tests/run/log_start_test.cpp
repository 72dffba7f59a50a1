#include "run/log_start.h"

#include <gtest/gtest.h>

namespace incubate {
namespace {

TEST(LogStart, WarnsOfPhasesWhosePassesCannotBeRecorded) {
  RunConfig config;
  config.phase(Phase::incubation).drop_path = 0.25;
  config.phase(Phase::finetuning).drop_path = 0;
  config.phase(Phase::end_to_end).drop_path = 0.1;  // no such training
  std::vector<Training> trainings;
  for (const Phase phase : {Phase::incubation, Phase::incubation, Phase::finetuning}) {
    Training& training = trainings.emplace_back();
    training.phase = phase;
    training.is_chosen = true;
  }
  std::vector<std::string> lines;
  Log log(Log::Level::everything, [&](const std::string& line) { lines.push_back(line); });
  warn_of_unrecorded(config, trainings, log);
  EXPECT_EQ(lines, std::vector<std::string>());
  config.run.cuda_graph = true;
  warn_of_unrecorded(config, trainings, log);
  EXPECT_EQ(lines, (std::vector<std::string>{
                       "warning: incubation: run.cuda_graph=true does nothing with incubation.drop_path=0.25, which "
                       "drops other branches in every step. Give --incubation.drop_path=0 to have passes recorded."}));
}

class Outlasting : public testing::Test {
 protected:
  Outlasting() {
    config_.batch.global = 32;
    phase().warmup_epochs = 0;
    training_.name = "meta";
    training_.is_chosen = true;
    training_.total_steps = 320;
  }
  PhaseConfig& phase() { return config_.phase(Phase::meta); }
  std::vector<std::string> find() { return find_outlasting(config_, {training_}, 512); }

  RunConfig config_;
  Training training_;
};

TEST_F(Outlasting, AnAverageThatKeepsTheFirstWeightsIsWarnedOf) {
  EXPECT_EQ(find(), std::vector<std::string>());
  phase().ema_decay = 0.9999;
  EXPECT_EQ(find(), (std::vector<std::string>{
                        "meta.ema_decay=0.9999 outlasts meta: after its 320 steps the average, which is the result, is "
                        "still 97 % first weights. Give meta.ema_decay=0.986 or less, or meta.ema_ramp=true."}));
  phase().ema_ramp = true;
  EXPECT_EQ(find(), std::vector<std::string>());
  phase().ema_ramp = false;
  phase().ema_decay = 0.98;
  EXPECT_EQ(find(), std::vector<std::string>());
}

TEST_F(Outlasting, AWarmupThatDoesNotEndIsWarnedOf) {
  phase().learning_rate = 0.1;
  phase().warmup_learning_rate = 0;
  phase().warmup_epochs = 20;
  EXPECT_EQ(find(), (std::vector<std::string>{
                        "meta.warmup_epochs=20 outlasts meta: its 320 steps are 20 epochs, and the learning rate ends "
                        "at 0.00623 instead of the 0.00625 that meta.learning_rate=0.1 stands for. Give fewer "
                        "meta.warmup_epochs."}));
  phase().warmup_epochs = 19;
  EXPECT_EQ(find(), std::vector<std::string>());
  phase().warmup_epochs = 20;
  training_.is_chosen = false;
  EXPECT_EQ(find(), std::vector<std::string>());
}

}  // namespace
}  // namespace incubate
