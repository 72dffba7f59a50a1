#include "run/step_profiler.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <kineto/ActivityType.h>
#include <torch/csrc/autograd/profiler_kineto.h>

#include "hdf5/atomic_file.h"

namespace incubate {
namespace {

namespace kineto = torch::autograd::profiler;

constexpr std::int64_t kWarmUpSteps = 3;

std::set<kineto::ActivityType> activities_of(torch::Device device) {
  std::set<kineto::ActivityType> activities = {kineto::ActivityType::CPU};
  if (device.is_cuda()) activities.insert(kineto::ActivityType::CUDA);
  return activities;
}

}  // namespace

ProfiledSteps ProfiledSteps::among(std::int64_t num_steps, std::int64_t wanted) {
  const std::int64_t count = std::min(wanted, num_steps);
  return {.first = std::min(kWarmUpSteps, num_steps - count), .count = count};
}

StepProfiler::StepProfiler(const RunDirectory& run, std::string trainings, ProfiledSteps steps, torch::Device device,
                           Tell warn, Tell note)
    : run_(run),
      trainings_(std::move(trainings)),
      steps_(steps),
      device_(device),
      warn_(std::move(warn)),
      note_(std::move(note)) {
  setenv("KINETO_LOG_LEVEL", "5", 0);  // or it says on stderr that it has found no GPU
}

StepProfiler::~StepProfiler() {
  if (is_on_) kineto::disableProfiler();
}

void StepProfiler::before_step() {
  if (steps_begun_ == steps_.first && steps_.count > 0) start();
  ++steps_begun_;
}

void StepProfiler::after_step() {
  if (!is_on_) return;
  ++steps_profiled_;
  if (steps_profiled_ == steps_.count) finish();
}

void StepProfiler::start() {
  const kineto::ProfilerConfig config(kineto::ProfilerState::KINETO);
  kineto::prepareProfiler(config, activities_of(device_));
  kineto::enableProfiler(config, activities_of(device_));
  is_on_ = true;
}

void StepProfiler::finish() {
  if (!is_on_) return;
  is_on_ = false;
  const std::unique_ptr<kineto::ProfilerResult> result = kineto::disableProfiler();
  try {
    write(*result);
  } catch (const std::exception& error) {
    warn_(fmt::format("the profile of {} could not be written: {}", trainings_, error.what()));
  }
}

void StepProfiler::write(kineto::ProfilerResult& result) const {
  const FilePath trace = run_.profile(trainings_);
  std::filesystem::create_directories(trace.parent_path());
  replace_atomically(trace, [&result](const FilePath& temporary) { result.save(temporary.string()); });
  note_(fmt::format("{}: {} steps after the first {} of the round are profiled in profile/{}", trainings_,
                    steps_profiled_, steps_.first, trace.filename().string()));
}

std::unique_ptr<StepProfiler> make_step_profiler(const RunContext& context, const GroupPlan& plan,
                                                 const ProcessGroup& group, const StepProfiler::Tell& warn,
                                                 const StepProfiler::Tell& note) {
  const std::int64_t wanted = context.config.run.profile;
  if (wanted == 0 || !group.is_leader()) return nullptr;
  std::int64_t num_steps = 0;  // at least: a training that is behind makes some alone
  std::set<std::int64_t> trainings;
  for (const Assignment& a : plan.assignments) {
    num_steps = std::max(num_steps, a.num_steps);
    trainings.insert(a.training);
  }
  std::string names;
  for (const std::int64_t i : trainings) names += (names.empty() ? "" : "+") + context.trainings[i].name;
  return std::make_unique<StepProfiler>(context.run, names, ProfiledSteps::among(num_steps, wanted), group.device(),
                                        warn, note);
}

}  // namespace incubate
