#include "forecast/outlasting_settings.h"

#include <gtest/gtest.h>

namespace incubate {
namespace {

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
