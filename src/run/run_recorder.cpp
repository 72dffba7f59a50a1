#include "run/run_recorder.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/clock.h"

namespace incubate {
namespace {

constexpr double kRefreshEvery_s = 5;

std::string job_name(const RunConfig& config) { return config.run.only.empty() ? "all" : config.run.only; }

Progress::Style progress_style(ProgressStyle style) {
  switch (style) {
    case ProgressStyle::bar:
      return Progress::Style::bar;
    case ProgressStyle::lines:
      return Progress::Style::lines;
    case ProgressStyle::none:
      return Progress::Style::none;
    case ProgressStyle::automatic:
      break;
  }
  return automatic_progress_style();
}

}  // namespace

RunRecorder::RunRecorder(const RunConfig& config, const RunDirectory& run, const std::vector<Training>& trainings,
                         std::vector<MetricInfo> metrics, std::int64_t num_train_images, int num_ranks, Log& log)
    : config_(config),
      run_(run),
      trainings_(trainings),
      metrics_(std::move(metrics)),
      num_train_(num_train_images),
      log_(log),
      progress_(progress_style(config.run.progress)) {
  summary_.job = job_name(config);
  summary_.own().num_ranks = num_ranks;
  for (const Training& training : trainings) {
    TrainingSummary entry;
    entry.name = training.name;
    entry.phase = to_string(training.phase);
    entry.total_steps = training.total_steps;
    entry.is_own = is_wanted(config, training);
    entry.is_chosen = training.is_chosen;
    summary_.trainings.push_back(entry);
  }
  log_.set_print([this](const std::string& line) { progress_.print(line); });
}

RunRecorder::~RunRecorder() {
  log_.set_print([](const std::string& line) { std::puts(line.c_str()); });
}

bool RunRecorder::is_recorded(const RunConfig& config, const RunDirectory& run,
                              const std::vector<Training>& trainings) {
  std::optional<RunSummary> summary = RunSummary::load(run.summary());
  if (!summary || summary->jobs[job_name(config)].state != "done") return false;
  return std::ranges::all_of(trainings, [&](const Training& training) {
    return !is_wanted(config, training) || summary->is_done(training.name) ||
           !std::filesystem::exists(run.finished(training.name));
  });
}

void RunRecorder::add_finished(std::int64_t index, const Figures& figures) {
  TrainingSummary& entry = summary_.trainings[index];
  entry.is_own = false;
  if (figures.empty()) return;
  entry.state = TrainingState::done;
  entry.step = entry.total_steps;
  entry.skipped_steps = static_cast<std::int64_t>(figure_or_zero(figures, "skipped_steps"));
  entry.num_ranks = static_cast<std::int64_t>(figure_or_zero(figures, "num_ranks"));
  // Imported weights have no figures.
  for (const MetricInfo& metric : metrics_) entry.evaluation[metric.name] = figure_or_nan(figures, metric.name);
  entry.block_flops = figure_or_nan(figures, "block_flops");
  entry.elapsed_s = figure_or_nan(figures, "elapsed_s");
  entry.rank_s = figure_or_nan(figures, "rank_s");
}

void RunRecorder::begin_round(const std::string& phase, const RoundPlan& plan) {
  RoundSummary round{.phase = phase,
                     .trainings = {},
                     .num_ranks = summary_.own().num_ranks,
                     .job = summary_.job,
                     .began_s = unix_now_s()};
  std::string groups;
  for (const GroupPlan& group : plan.groups) {
    std::string names;
    for (const Assignment& a : group.assignments) {
      round.trainings.push_back(trainings_[a.training].name);
      summary_.trainings[a.training].state = TrainingState::running;
      names += fmt::format("{}{} ({} steps)", names.empty() ? "" : ", ", trainings_[a.training].name, a.num_steps);
    }
    groups += fmt::format("{}ranks {}-{}: {}", groups.empty() ? "" : "; ", group.first_rank,
                          group.first_rank + group.num_ranks - 1, names);
  }
  summary_.rounds.push_back(round);
  in_round_ = true;
  round_watch_.restart();
  log_.record(fmt::format("round of {}: {}", phase, groups));
  refresh();
}

void RunRecorder::on_report(std::span<const std::byte> bytes) {
  StatusReport report;
  check_running(bytes.size() == sizeof(report), "a status report has {} bytes, not {}", bytes.size(), sizeof(report));
  std::memcpy(&report, bytes.data(), sizeof(report));
  if (report.event == StatusReport::Event::waiting) {  // a sign of life, which the channel has noted
    if (since_refresh_.elapsed_s() > kRefreshEvery_s) refresh();
    return;
  }
  if (report.event == StatusReport::Event::note) {
    log_.record(report.text.data());
    return;
  }
  if (report.event == StatusReport::Event::warning) {
    log_.warn(report.text.data());
    return;
  }
  if (report.event == StatusReport::Event::failed) {
    fail(report.text.data());
    return;
  }
  TrainingSummary& entry = summary_.trainings.at(report.training);
  entry.step = report.step;
  entry.skipped_steps = report.skipped_steps;
  entry.num_ranks = report.num_ranks;
  entry.elapsed_s = report.elapsed_s;
  entry.rank_s = report.rank_s;
  entry.block_flops = trainings_[report.training].block_flops(config_.batch.global, report.step);
  if (report.event == StatusReport::Event::done) {
    note_done(report, entry);
    refresh();
  } else if (report.event == StatusReport::Event::resumed) {
    note_resumed(entry);
  } else if (report.event == StatusReport::Event::step) {
    show(report);
    if (since_refresh_.elapsed_s() > kRefreshEvery_s) refresh();
  }
  was_seen_.insert(entry.name);
}

void RunRecorder::show(const StatusReport& report) {
  const Training& training = trainings_[report.training];
  const auto passes = [this](std::int64_t steps) {
    return static_cast<double>(steps) * static_cast<double>(config_.batch.global) / static_cast<double>(num_train_);
  };
  progress_.update({.training = training.name,
                    .epoch = passes(report.step),
                    .num_epochs = passes(training.total_steps),
                    .step = report.step,
                    .total_steps = training.total_steps,
                    .loss = report.loss,
                    .images_per_s = report.images_per_s,
                    .data_wait = report.data_wait,
                    .communication_wait = report.communication_wait,
                    .left_s = report.left_s});
}

/// The person at the terminal learns of what an earlier job has done, not of every round.
void RunRecorder::note_resumed(const TrainingSummary& entry) {
  const std::string message =
      fmt::format("{}: continues after step {} of {}", entry.name, entry.step, entry.total_steps);
  if (was_seen_.contains(entry.name)) {
    log_.record(message);
  } else {
    log_.info(message);
  }
}

void RunRecorder::note_done(const StatusReport& report, TrainingSummary& entry) {
  entry.state = TrainingState::done;
  for (std::size_t i = 0; i < metrics_.size(); ++i) entry.evaluation[metrics_[i].name] = report.evaluation.at(i);
  log_.info(fmt::format("{} is done: {}, {} steps in {} on {} rank{}", entry.name,
                        format_figures(metrics_, entry.evaluation), report.step, format_duration(report.elapsed_s),
                        report.num_ranks, report.num_ranks == 1 ? "" : "s"));
}

void RunRecorder::end_round(double busy_rank_s) {
  RoundSummary& round = summary_.rounds.back();
  round.elapsed_s = round_watch_.elapsed_s();
  round.idle = 1 - (busy_rank_s / (round.elapsed_s * static_cast<double>(round.num_ranks)));
  in_round_ = false;
  const std::string message =
      fmt::format("round ended after {}, {:.0f}% of it idle", format_duration(round.elapsed_s), 100 * round.idle);
  refresh();
  progress_.finish();
  log_.record(message);
}

void RunRecorder::end_run(const std::string& state, const std::string& reason) {
  if (summary_.own().state != "running") return;  // the first word counts: later errors are its consequences
  summary_.own().state = state;
  summary_.own().reason = reason;
  log_.record(fmt::format("{}: {}", state, reason));
  refresh();
}

void RunRecorder::fail(const std::string& reason) {
  try {
    end_run("failed", reason);
  } catch (const std::exception& error) {
    log_.warn(fmt::format("summary.json could not be written: {}", error.what()));
  }
}

std::vector<ResultRow> RunRecorder::results() {
  summary_.take_over(run_.summary());
  return summary_.results();
}

void RunRecorder::refresh() {
  if (in_round_) summary_.rounds.back().elapsed_s = round_watch_.elapsed_s();
  summary_.save(run_.summary());
  since_refresh_.restart();
}

}  // namespace incubate
