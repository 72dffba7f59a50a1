#include "report/summary.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <limits>
#include <optional>
#include <stdexcept>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/directory_lock.h"
#include "base/version.h"
#include "config/method_table.h"
#include "hdf5/atomic_file.h"
#include "report/progress.h"

namespace incubate {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kLockPatience(2);
constexpr double kLostAfter_s = 300;  // a job saves every few seconds
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr const char* kNotFinite = "not finite";
constexpr const char* kNotEvaluated = "not evaluated";

const char* to_string(TrainingState state) {
  return state == TrainingState::done ? "done" : state == TrainingState::running ? "running" : "waiting";
}

/// Adds the figures of an evaluation. Those that are no numbers are null, and "evaluation" says why.
void add_evaluation(json& j, const Figures& evaluation) {
  j.update(json(evaluation));
  if (are_finite(evaluation)) return;
  const bool is_known = std::ranges::none_of(evaluation, [](const auto& f) { return std::isnan(f.second); });
  j["evaluation"] = is_known ? kNotFinite : kNotEvaluated;
}

json to_json(const TrainingSummary& t) {
  json j = {{"name", t.name},
            {"phase", t.phase},
            {"state", to_string(t.state)},
            {"step", t.step},
            {"total_steps", t.total_steps},
            {"skipped_steps", t.skipped_steps},
            {"num_ranks", t.num_ranks},
            {"block_flops", t.block_flops},
            {"elapsed_s", t.elapsed_s},
            {"rank_s", t.rank_s}};
  if (t.state == TrainingState::done) add_evaluation(j, t.evaluation);
  return j;
}

json to_json(const RoundSummary& r) {
  return {{"phase", r.phase},
          {"trainings", r.trainings},
          {"num_ranks", r.num_ranks},
          {"job", r.job},
          {"began", utc_text(r.began_s)},
          {"began_s", r.began_s},
          {"elapsed_s", r.elapsed_s},
          {"idle", r.idle}};
}

json to_json(const JobSummary& job) {
  return {{"state", job.state},
          {"reason", job.reason},
          {"num_ranks", job.num_ranks},
          {"arithmetic", job.arithmetic},
          {"updated", job.updated}};
}

json to_json(const ResultRow& row) {
  json j = {{"method", row.method},
            {"block_flops", row.cost.block_flops},
            {"rank_s", row.cost.rank_s},
            {"wall_s", row.cost.wall_s},
            {"critical_path_s", row.cost.critical_path_s}};
  add_evaluation(j, row.evaluation);
  return j;
}

/// Returns the facts about a kind of training that readers of the run need (see MethodRow).
json to_json(const MethodRow& row) {
  return {{"phase", row.name},
          {"training", row.training},
          {"title", row.method},
          {"place", row.result_place},
          {"section", row.section},
          {"network", to_string(row.network)},
          {"source", row.source ? json(to_string(*row.source)) : json()},
          {"matched", row.matched == Matched::possible},
          {"resampled", row.first_weights == FirstWeights::resampled}};
}

/// JSON has no NaN and no infinity; null stands for them.
double to_number(const json& j) { return j.is_null() ? kUnknown : j.get<double>(); }

/// Throws unless `j` is a non-negative whole number.
std::int64_t to_count(const json& j) {
  if (!j.is_number_unsigned() || j.get<std::uint64_t>() > INT64_MAX) throw std::invalid_argument("not a count");
  return j.get<std::int64_t>();
}

/// Throws unless `j` is a time or duration that utc_text() can write.
double to_seconds(const json& j) {
  constexpr double kEndOf9999 = 253402300799;
  const auto seconds = j.get<double>();
  if (!(seconds >= 0 && seconds <= kEndOf9999)) throw std::invalid_argument("not a time");
  return seconds;
}

TrainingState to_training_state(const std::string& text) {
  return text == "done" ? TrainingState::done : text == "running" ? TrainingState::running : TrainingState::waiting;
}

TrainingSummary to_training(const json& j) {
  TrainingSummary t{.name = j.at("name"),
                    .phase = j.at("phase"),
                    .state = to_training_state(j.at("state")),
                    .step = to_count(j.at("step")),
                    .total_steps = to_count(j.at("total_steps")),
                    .skipped_steps = j.contains("skipped_steps") ? to_count(j["skipped_steps"]) : 0,
                    .num_ranks = to_count(j.at("num_ranks")),
                    .evaluation = {},
                    .block_flops = to_number(j.at("block_flops")),
                    .elapsed_s = j.at("elapsed_s").is_null() ? kUnknown : to_seconds(j["elapsed_s"]),
                    .rank_s = to_number(j.at("rank_s"))};
  if (t.state != TrainingState::done) return t;
  const json known = to_json(t);
  const bool is_finite = j.value("evaluation", "") != kNotFinite;
  for (const auto& [name, value] : j.items()) {
    if (known.contains(name) || !(value.is_number() || value.is_null())) continue;
    t.evaluation[name] = is_finite ? to_number(value) : std::numeric_limits<double>::infinity();
  }
  return t;
}

RoundSummary to_round(const json& j) {
  return {.phase = j.at("phase"),
          .trainings = j.at("trainings"),
          .num_ranks = to_count(j.at("num_ranks")),
          .job = j.at("job"),
          .began_s = to_seconds(j.at("began_s")),
          .elapsed_s = to_seconds(j.at("elapsed_s")),
          .idle = to_number(j.at("idle"))};
}

JobSummary to_job(const json& j) {
  return {.state = j.at("state"),
          .reason = j.at("reason"),
          .num_ranks = to_count(j.at("num_ranks")),
          .arithmetic = j.value("arithmetic", std::vector<std::string>()),
          .updated = j.at("updated")};
}

/// Returns the rounds of `file` and `known`. For a round of this job `known` is newer than `file`.
std::vector<RoundSummary> merge_rounds(const std::vector<RoundSummary>& known, const std::vector<RoundSummary>& file,
                                       const std::string& own_job) {
  const auto contains = [](const std::vector<RoundSummary>& rounds, const RoundSummary& round) {
    return std::ranges::any_of(
        rounds, [&round](const RoundSummary& r) { return r.job == round.job && r.began_s == round.began_s; });
  };
  std::vector<RoundSummary> merged;
  for (const RoundSummary& round : file) {
    if (round.job != own_job || !contains(known, round)) merged.push_back(round);
  }
  for (const RoundSummary& round : known) {
    if (!contains(merged, round)) merged.push_back(round);
  }
  return merged;
}

/// Takes over what other jobs wrote.
void merge(RunSummary& summary, const RunSummary& file) {
  const JobSummary own = summary.own();
  const bool is_first_save = own.updated.empty();
  if (summary.job != "all" || !is_first_save) summary.jobs = file.jobs;
  // If such a job lives, it says so when it saves next.
  const std::string earliest = utc_text(unix_now_s() - kLostAfter_s);  // these texts sort by time
  for (auto& [name, job] : summary.jobs) {
    if (job.state != "running" || job.updated >= earliest) continue;
    job.state = "lost";
    job.reason = "last sign of life " + job.updated;
  }
  summary.own() = own;
  summary.rounds = merge_rounds(summary.rounds, file.rounds, summary.job);
  for (TrainingSummary& t : summary.trainings) {
    const auto found = std::ranges::find(file.trainings, t.name, &TrainingSummary::name);
    if (t.is_own || found == file.trainings.end()) continue;
    // Imported weights have no figures, and replace a training whose figures the file has.
    const bool is_imported = std::ranges::all_of(t.evaluation, [](const auto& f) { return std::isnan(f.second); });
    if (t.state == TrainingState::done && (found->state != TrainingState::done || is_imported)) continue;
    const bool is_chosen = t.is_chosen;
    t = *found;
    t.is_own = false;
    t.is_chosen = is_chosen;
  }
}

/// Returns the seconds in which at least one of the rounds selected by `belongs` ran.
template <typename Belongs>
double covered_s(const std::vector<RoundSummary>& rounds, const Belongs& belongs) {
  std::vector<std::pair<double, double>> intervals;  // [begin, end)
  for (const RoundSummary& r : rounds) {
    if (belongs(r.phase)) intervals.emplace_back(r.began_s, r.began_s + r.elapsed_s);
  }
  std::ranges::sort(intervals);
  double covered = 0;
  double covered_to = -std::numeric_limits<double>::infinity();
  for (const auto& [begin, end] : intervals) {
    covered += std::max(0.0, end - std::max(begin, covered_to));
    covered_to = std::max(covered_to, end);
  }
  return covered;
}

/// Returns the width of a column: room for the header, for 100.00% and for the rows.
std::size_t width_of(const MetricInfo& metric, const std::vector<ResultRow>& rows) {
  std::size_t width = std::max<std::size_t>(7, header_of(metric).size() + 1);
  for (const ResultRow& row : rows) width = std::max(width, format_figure(metric, row.evaluation).size());
  return width;
}

/// `format` is for one number.
std::string format_cost(const char* format, double cost) {
  return std::isnan(cost) ? "unknown" : fmt::format(fmt::runtime(format), cost);
}

}  // namespace

TrainingSummary& RunSummary::training(const std::string& name) {
  const auto found = std::ranges::find(trainings, name, &TrainingSummary::name);
  if (found == trainings.end()) throw std::logic_error("no training " + name);
  return *found;
}

bool RunSummary::is_done(const std::string& training) const {
  const auto found = std::ranges::find(trainings, training, &TrainingSummary::name);
  return found != trainings.end() && found->state == TrainingState::done;
}

std::string RunSummary::state() const {
  for (const char* state : {"running", "failed", "lost", "stopped"}) {
    if (std::ranges::any_of(jobs, [state](const auto& entry) { return entry.second.state == state; })) return state;
  }
  return "done";
}

std::vector<ResultRow> RunSummary::results() const {
  std::vector<ResultRow> rows;
  for (const MethodRow* method : list_methods()) {
    const auto result = std::ranges::find(trainings, method->training, &TrainingSummary::name);
    if (result == trainings.end() || result->state != TrainingState::done) continue;
    const std::vector<Phase> lineage = lineage_of(method->phase);
    const auto belongs = [&lineage](const std::string& phase) {
      return std::ranges::any_of(lineage, [&phase](Phase p) { return phase == to_string(p); });
    };
    ResultRow row{.method = method->method, .evaluation = result->evaluation, .cost = {}};
    double longest_incubation_s = 0;
    for (const TrainingSummary& t : trainings) {
      if (!belongs(t.phase)) continue;
      row.cost.block_flops += t.block_flops;
      row.cost.rank_s += t.rank_s;
      if (t.phase == to_string(Phase::incubation)) {  // every incubation counts as if it had its own ranks
        longest_incubation_s = std::max(longest_incubation_s, t.elapsed_s);
      } else {
        row.cost.critical_path_s += t.elapsed_s;
      }
    }
    row.cost.critical_path_s += longest_incubation_s;
    row.cost.wall_s = covered_s(rounds, belongs);
    if (std::isnan(row.cost.rank_s)) row.cost.wall_s = row.cost.critical_path_s = kUnknown;
    rows.push_back(row);
  }
  return rows;
}

std::optional<RunSummary> RunSummary::load(const FilePath& path) {
  try {
    const json j = json::parse(read_text(path));
    RunSummary summary;
    for (const auto& [name, job] : j.at("jobs").items()) summary.jobs[name] = to_job(job);
    for (const json& training : j.at("trainings")) summary.trainings.push_back(to_training(training));
    for (const json& round : j.at("rounds")) summary.rounds.push_back(to_round(round));
    return summary;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

void RunSummary::take_over(const FilePath& path) {
  if (const std::optional<RunSummary> file = load(path)) merge(*this, *file);
}

void RunSummary::save(const FilePath& path) {
  const DirectoryLock lock(path.has_parent_path() ? path.parent_path() : FilePath("."), kLockPatience);
  take_over(path);
  own().updated = utc_text(unix_now_s());
  json j = {{"state", state()},         {"reason", own().reason},     {"updated", own().updated},
            {"version", kVersion},      {"git_sha1", kGitSha1},       {"num_ranks", own().num_ranks},
            {"jobs", json::object()},   {"trainings", json::array()}, {"rounds", json::array()},
            {"results", json::array()}, {"methods", json::array()}};
  for (const auto& [name, entry] : jobs) j["jobs"][name] = to_json(entry);
  for (const TrainingSummary& t : trainings) {
    if (t.is_chosen || t.state != TrainingState::waiting) j["trainings"].push_back(to_json(t));
  }
  std::vector<RoundSummary> by_time = rounds;
  std::ranges::stable_sort(by_time, {}, &RoundSummary::began_s);
  for (const RoundSummary& r : by_time) j["rounds"].push_back(to_json(r));
  for (const ResultRow& row : results()) j["results"].push_back(to_json(row));
  for (const MethodRow& row : kMethodTable) j["methods"].push_back(to_json(row));
  // A path in a reason need not be UTF-8.
  replace_text_atomically(path, j.dump(2, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace) + "\n");
}

std::string format_results(const std::vector<MetricInfo>& metrics, const std::vector<ResultRow>& rows) {
  std::size_t width = 17;
  for (const ResultRow& row : rows) width = std::max(width, row.method.size());
  std::string table = fmt::format("{:<{}}", "method", width);
  for (const MetricInfo& metric : metrics) table += fmt::format(" {:>{}}", header_of(metric), width_of(metric, rows));
  table += fmt::format(" {:>12} {:>11} {:>11} {:>14}\n", "block FLOPs", "rank-hours", "wall-clock", "critical path");
  for (const ResultRow& row : rows) {
    table += fmt::format("{:<{}}", row.method, width);
    for (const MetricInfo& metric : metrics) {
      table += fmt::format(" {:>{}}", format_figure(metric, row.evaluation), width_of(metric, rows));
    }
    table += fmt::format(" {:>12} {:>11} {:>11} {:>14}\n", format_cost("{:.3e}", row.cost.block_flops),
                         format_cost("{:.4f}", row.cost.rank_s / 3600), format_duration(row.cost.wall_s),
                         format_duration(row.cost.critical_path_s));
  }
  return table;
}

std::string utc_text(double unix_s) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(std::floor(unix_s))));
}

}  // namespace incubate
