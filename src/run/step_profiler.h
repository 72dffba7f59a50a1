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

/// The steps of a group to profile.
struct ProfiledSteps {
  std::int64_t first = 0;  ///< counted from the first step of the round
  std::int64_t count = 0;

  /// Returns `wanted` of `num_steps` steps, after a few warm-up steps if there are enough.
  static ProfiledSteps among(std::int64_t num_steps, std::int64_t wanted);
};

/// Profiles some steps of a group, and the evaluations between them, with LibTorch's profiler on the training thread.
/// Writes a trace of every operator for Perfetto (ui.perfetto.dev) or chrome://tracing. Does not
/// change results. For a group's leader.
class StepProfiler {
 public:
  using Tell = std::function<void(const std::string& message)>;

  /// `trainings` names the file. Calls `warn` if it cannot be written. Sets an environment variable: construct it
  /// while no other thread reads the environment.
  StepProfiler(const RunDirectory& run, std::string trainings, ProfiledSteps steps, torch::Device device, Tell warn,
               Tell note);
  /// Discards what is not written yet.
  ~StepProfiler();
  StepProfiler(const StepProfiler&) = delete;
  StepProfiler& operator=(const StepProfiler&) = delete;

  /// Returns hooks for each step of the round. After the last profiled step they write the files.
  StepHooks hooks() {
    return {.before_step = [this] { before_step(); }, .after_step = [this] { after_step(); }};
  }
  /// Writes the steps profiled so far, if the group stops early.
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

/// Returns the profiler of the group's steps on its leader, if run.profile is set; else null.
std::unique_ptr<StepProfiler> make_step_profiler(const RunContext& context, const GroupPlan& plan,
                                                 const ProcessGroup& group, const StepProfiler::Tell& warn,
                                                 const StepProfiler::Tell& note);

}  // namespace incubate
