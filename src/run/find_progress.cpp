#include "run/find_progress.h"

#include <algorithm>
#include <limits>

#include <fmt/ranges.h>

#include "report/metrics_file.h"
#include "report/summary.h"

namespace incubate {
namespace {

/// The header of a checkpoint of `training`; nothing if no file is there, or if it goes meanwhile.
std::optional<CheckpointHeader> find_header(const FilePath& path, const Training& training, VerifiedFiles& verified) {
  try {
    CheckpointHeader header = load_header(path, verified);
    check_identity(path, header, training.identity, training.identity_text, training.config);
    return header;
  } catch (const InputError&) {
    std::error_code error;
    if (std::filesystem::symlink_status(path, error).type() != std::filesystem::file_type::not_found) throw;
    return std::nullopt;
  }
}

void take_over(const CheckpointHeader& header, FoundProgress& found) {
  found.progress.steps_done = header.step;
  found.arithmetic = header.arithmetic;
  found.progress.micro_batch_s = figure_or_zero(header.figures, "micro_batch_s");
}

FoundProgress find_finished(const RunDirectory& run, const Training& training, VerifiedFiles& verified) {
  FoundProgress found;
  found.progress.total_steps = training.total_steps;
  if (const auto header = find_header(run.finished(training.name), training, verified)) {
    take_over(*header, found);
    found.figures = header->figures;
  }
  return found;
}

bool is_parent(const Training& training, const Training& child) {
  return std::ranges::count(child.weight_sources, training.name) > 0;
}

/// Decides what becomes of a training that has done no step by its files: it may have been done, and its file removed.
/// Returns why it cannot be trained, or nothing. REQUIRES: `all` has what was found of its children.
std::string judge_missing(const RunConfig& config, const RunDirectory& run, const std::vector<Training>& trainings,
                          const Training& training, const std::vector<FoundProgress>& all, FoundProgress& found) {
  std::vector<std::string> done, waiting;  // of what starts from it
  std::string trace;
  for (std::size_t i = 0; i < trainings.size(); ++i) {
    const std::string& child = trainings[i].name;
    if (!is_parent(training, trainings[i])) continue;
    const bool is_done = all[i].progress.is_done() || std::filesystem::exists(run.finished(child));
    if (is_done) done.push_back(child);
    if (!is_done && is_wanted(config, trainings[i])) waiting.push_back(child);
    if (is_done || !run.list_resume_points(child).empty()) trace = child + " has started from it";
  }
  // Who removes its figures too wants it anew.
  const auto summary = RunSummary::load(run.summary());
  if (summary && summary->is_done(training.name) && std::filesystem::exists(run.metrics(training.name))) {
    trace = "summary.json says so";
  }
  if (trace.empty()) return {};
  const std::string path = run.finished(training.name).string();
  if (!config.run.only.empty()) {
    found.warnings.push_back(fmt::format(
        "{} is missing. {} was done before ({}), and is trained again as run.only says.", path, training.name, trace));
    return {};
  }
  if (!waiting.empty()) {
    return fmt::format(
        "{} is missing, and {} cannot start without it. {} was done before ({}), and is not trained again unasked. Put "
        "the file back, or train it again with --run.only={}.",
        path, fmt::join(waiting, ", "), training.name, trace, training.name);
  }
  if (done.empty()) return {};  // a result of the method, which nothing stands for
  found.progress.steps_done = found.progress.total_steps;
  found.warnings.push_back(
      fmt::format("{} is missing. It is not needed: what starts from {} is done.", path, training.name));
  return {};
}

}  // namespace

std::optional<ResumePoint> find_resume_point(const RunDirectory& run, const Training& training,
                                             std::int64_t latest_step, VerifiedFiles& verified,
                                             const std::function<void(const std::string& message)>& warn) {
  std::vector<std::string> problems;
  for (const std::int64_t step : run.list_resume_points(training.name)) {
    if (step > latest_step) continue;
    const FilePath path = run.resume_point(training.name, step);
    try {
      const std::optional<CheckpointHeader> header = find_header(path, training, verified);
      if (!header) continue;
      check_input(header->step == step, "{} holds step {} of {}, not that of its name. Rename it.", path.string(),
                  header->step, training.name);
      for (const std::string& problem : problems) warn(problem + " Trying the checkpoint before it.");
      return ResumePoint{path, *header};
    } catch (const UnreadableFileError& error) {
      problems.emplace_back(error.what());
    }
  }
  check_input(
      problems.empty(),
      "{} No other checkpoint of {} is intact ({} of {} are damaged or unreadable), and it does not begin again "
      "at step 0 unasked. Put a copy of one in its place, or remove {} to begin again.",
      problems.empty() ? "" : problems.front(), training.name, problems.size(), problems.size(),
      run.resume_point(training.name, 0).parent_path().string());
  return std::nullopt;
}

FoundProgress find_progress(const RunDirectory& run, const Training& training, VerifiedFiles& verified) {
  FoundProgress found = find_finished(run, training, verified);
  if (found.progress.is_done()) return found;
  found.resume_points = run.list_resume_points(training.name);
  const auto warn = [&found](const std::string& message) { found.warnings.push_back(message); };
  const auto point = find_resume_point(run, training, std::numeric_limits<std::int64_t>::max(), verified, warn);
  if (!point) return found;
  check_metrics_version(run.metrics(training.name));
  take_over(point->header, found);
  return found;
}

bool is_as_found(const RunDirectory& run, const Training& training, const FoundProgress& found) {
  return run.list_resume_points(training.name) == found.resume_points &&
         std::filesystem::exists(run.finished(training.name)) == found.progress.is_done();
}

std::vector<FoundProgress> find_all_progress(const RunConfig& config, const RunDirectory& run,
                                             const std::vector<Training>& trainings, VerifiedFiles& verified) {
  const auto has_waiting_child = [&](const Training& parent) {
    return std::ranges::any_of(trainings, [&](const Training& child) {
      return is_wanted(config, child) && is_parent(parent, child) && !std::filesystem::exists(run.finished(child.name));
    });
  };
  std::vector<FoundProgress> all;
  for (const Training& training : trainings) {  // parents first: their error names the setting that has changed
    if (is_wanted(config, training)) {
      all.push_back(find_progress(run, training, verified));
    } else if (has_waiting_child(training)) {
      all.push_back(find_finished(run, training, verified));
    } else {
      all.push_back({.progress = {.total_steps = training.total_steps}});
    }
  }
  std::string problem;
  for (std::size_t i = trainings.size(); i-- > 0;) {  // children first: those that are not needed need no parent
    if (!is_wanted(config, trainings[i]) || all[i].progress.steps_done > 0) continue;
    const std::string found = judge_missing(config, run, trainings, trainings[i], all, all[i]);
    if (!found.empty()) problem = found;  // the first parent's is told
  }
  check_input(problem.empty(), "{}", problem);
  return all;
}

}  // namespace incubate
