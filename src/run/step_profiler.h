#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <torch/types.h>

#include "parallel/process_group.h"
#include "run/run_context.h"
#include "schedule/planner.h"
#include "train/train_together.h"

namespace torch::autograd::profiler {
struct ProfilerResult;
}

namespace incubate {

/// Which of a group's steps are profiled.
struct ProfiledSteps {
  std::int64_t first = 0;  ///< from the first step of the round
  std::int64_t count = 0;

  /// `wanted` of `num_steps`, after a few that warm up if there are enough.
  static ProfiledSteps among(std::int64_t num_steps, std::int64_t wanted);
};

/// Profiles some of a group's steps, and the evaluations between them, by LibTorch's profiler on the thread that
/// trains: a trace of every operator for Perfetto (ui.perfetto.dev) or chrome://tracing. No result depends on it. For
/// one rank of a group, its leader.
class StepProfiler {
 public:
  using Tell = std::function<void(const std::string& message)>;

  /// `trainings` is how the file is named; `warn` is told if it could not be written. Sets an environment variable:
  /// make it while no other thread reads any.
  StepProfiler(const RunDirectory& run, std::string trainings, ProfiledSteps steps, torch::Device device, Tell warn,
               Tell note);
  /// Drops what is not written.
  ~StepProfiler();
  StepProfiler(const StepProfiler&) = delete;
  StepProfiler& operator=(const StepProfiler&) = delete;

  /// Around each step of the round, of which the last one profiled is followed by the writing.
  StepHooks hooks() {
    return {.before_step = [this] { before_step(); }, .after_step = [this] { after_step(); }};
  }
  /// Writes what there is, if the group leaves off before.
  void finish();

 private:
  void before_step();
  void after_step();
  void start();
  void write(torch::autograd::profiler::ProfilerResult& result) const;

  const RunDirectory& run_;
  std::string trainings_;
  ProfiledSteps steps_;
  torch::Device device_;
  Tell warn_;
  Tell note_;
  std::int64_t steps_begun_ = 0;
  std::int64_t steps_profiled_ = 0;
  bool is_on_ = false;
};

/// That of the group's steps, on its leader and if run.profile asks for it; else null.
std::unique_ptr<StepProfiler> make_step_profiler(const RunContext& context, const GroupPlan& plan,
                                                 const ProcessGroup& group, const StepProfiler::Tell& warn,
                                                 const StepProfiler::Tell& note);

}  // namespace incubate
