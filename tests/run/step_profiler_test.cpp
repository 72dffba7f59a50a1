#include "run/step_profiler.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/csrc/profiler/api.h>
#include <torch/torch.h>

#include "hdf5/atomic_file.h"
#include "support/temporary_directory.h"

namespace incubate {
namespace {

class StepProfilerTest : public testing::Test {
 protected:
  StepProfiler make(ProfiledSteps steps) {
    return {run_,
            "meta",
            steps,
            torch::kCPU,
            [this](const std::string& text) { warnings_.push_back(text); },
            [this](const std::string& text) { notes_.push_back(text); }};
  }
  /// Makes steps of one matrix product each, step 2 with a sine and step 5 with a cosine, and another operator between
  /// them.
  void make_steps(const StepHooks& hooks, std::int64_t count) {
    const torch::Tensor a = torch::ones({4, 4});
    for (std::int64_t i = 0; i < count; ++i, ++step_) {
      hooks.before_step();
      torch::mm(a, a);
      if (step_ == 2) torch::sin(a);
      if (step_ == 5) torch::cos(a);
      hooks.after_step();
      torch::erf(a);
    }
  }
  /// Returns the number of calls of `name` in the trace.
  std::int64_t calls_of(const std::string& name) const {
    const auto trace = nlohmann::json::parse(read_text(run_.profile("meta")));
    return std::ranges::count_if(trace.at("traceEvents"),
                                 [&name](const nlohmann::json& event) { return event.value("name", "") == name; });
  }

  TemporaryDirectory directory_;
  RunDirectory run_{directory_.path()};
  std::vector<std::string> warnings_, notes_;
  std::int64_t step_ = 0;
};

TEST(ProfiledSteps, AreAfterAFewThatWarmUpIfThereAreEnough) {
  for (const auto [num_steps, wanted, first, count] :
       {std::array{100, 5, 3, 5}, {8, 5, 3, 5}, {7, 5, 2, 5}, {5, 5, 0, 5}, {3, 5, 0, 3}, {100, 1, 3, 1}}) {
    const ProfiledSteps steps = ProfiledSteps::among(num_steps, wanted);
    EXPECT_EQ(steps.first, first) << num_steps << " " << wanted;
    EXPECT_EQ(steps.count, count) << num_steps << " " << wanted;
  }
}

TEST_F(StepProfilerTest, CountsTheOperatorsOfItsSteps) {
  StepProfiler profiler = make({.first = 2, .count = 3});
  make_steps(profiler.hooks(), 2);
  EXPECT_FALSE(std::filesystem::exists(run_.profile("meta")));
  make_steps(profiler.hooks(), 6);
  EXPECT_EQ(calls_of("aten::mm"), 3);
  EXPECT_EQ(calls_of("aten::sin"), 1);
  EXPECT_EQ(calls_of("aten::cos"), 0);
  EXPECT_EQ(calls_of("aten::erf"), 2);  // between the steps
  EXPECT_EQ(
      notes_,
      (std::vector<std::string>{"meta: 3 steps after the first 2 of the round are profiled in profile/meta.json"}));
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(StepProfilerTest, AGroupThatLeavesOffWritesWhatThereIs) {
  StepProfiler profiler = make({.first = 0, .count = 5});
  make_steps(profiler.hooks(), 2);
  profiler.finish();
  EXPECT_EQ(calls_of("aten::mm"), 2);
  profiler.finish();
  EXPECT_EQ(notes_.size(), 1);
}

TEST_F(StepProfilerTest, OneThatIsDroppedEndsTheProfiling) {
  {
    StepProfiler profiler = make({.first = 0, .count = 5});
    make_steps(profiler.hooks(), 1);
    EXPECT_TRUE(torch::profiler::impl::profilerEnabled());
  }
  EXPECT_FALSE(torch::profiler::impl::profilerEnabled());
  EXPECT_TRUE(notes_.empty() && warnings_.empty());
  StepProfiler next = make({.first = 0, .count = 1});
  make_steps(next.hooks(), 1);
  EXPECT_EQ(calls_of("aten::mm"), 1);
}

TEST_F(StepProfilerTest, AFolderThatCannotBeMadeIsAWarning) {
  replace_text_atomically(directory_ / "profile", "in the way");
  StepProfiler profiler = make({.first = 0, .count = 1});
  make_steps(profiler.hooks(), 1);
  ASSERT_EQ(warnings_.size(), 1);
  EXPECT_TRUE(warnings_[0].starts_with("the profile of meta could not be written: ")) << warnings_[0];
  EXPECT_TRUE(notes_.empty());
}

}  // namespace
}  // namespace incubate
