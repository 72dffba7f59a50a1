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

}  // namespace
}  // namespace incubate
