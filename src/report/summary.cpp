#include "report/summary.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/version.h"
#include "hdf5/atomic_file.h"
#include "report/progress.h"

namespace incubate {
namespace {

using nlohmann::json;

const char* to_string(TrainingState state) {
  return state == TrainingState::done ? "done" : state == TrainingState::running ? "running" : "waiting";
}

json to_json(const TrainingSummary& t) {
  json j = {{"name", t.name},
            {"phase", t.phase},
            {"state", to_string(t.state)},
            {"step", t.step},
            {"total_steps", t.total_steps},
            {"num_ranks", t.num_ranks},
            {"block_flops", t.block_flops},
            {"elapsed_s", t.elapsed_s},
            {"rank_s", t.rank_s}};
  if (t.state == TrainingState::done) {
    j["top1"] = t.evaluation.top1;
    j["top5"] = t.evaluation.top5;
    j["loss"] = t.evaluation.loss;
  }
  return j;
}

json to_json(const RoundSummary& r) {
  return {{"phase", r.phase},
          {"trainings", r.trainings},
          {"num_ranks", r.num_ranks},
          {"began", r.began},
          {"elapsed_s", r.elapsed_s}};
}

json to_json(const ResultRow& row) {
  return {{"method", row.method},
          {"top1", row.evaluation.top1},
          {"top5", row.evaluation.top5},
          {"loss", row.evaluation.loss},
          {"block_flops", row.cost.block_flops},
          {"rank_s", row.cost.rank_s},
          {"wall_s", row.cost.wall_s},
          {"critical_path_s", row.cost.critical_path_s}};
}

bool is_of_deep_incubation(const std::string& phase) {
  return phase == "meta" || phase == "incubation" || phase == "finetuning";
}

}  // namespace

TrainingSummary& RunSummary::training(const std::string& name) {
  const auto found = std::ranges::find(trainings, name, &TrainingSummary::name);
  if (found == trainings.end()) throw std::logic_error("no training " + name);
  return *found;
}

std::vector<ResultRow> RunSummary::results() const {
  const auto row_of = [this](const std::string& method, const std::string& result, auto belongs) {
    ResultRow row{.method = method, .evaluation = {}, .cost = {}};
    double longest_incubation_s = 0;
    for (const TrainingSummary& t : trainings) {
      if (t.name == result) row.evaluation = t.evaluation;
      if (!belongs(t.phase)) continue;
      row.cost.block_flops += t.block_flops;
      row.cost.rank_s += t.rank_s;
      if (t.phase == "incubation") {
        longest_incubation_s = std::max(longest_incubation_s, t.elapsed_s);
      } else {
        row.cost.critical_path_s += t.elapsed_s;
      }
    }
    row.cost.critical_path_s += longest_incubation_s;
    for (const RoundSummary& round : rounds) row.cost.wall_s += belongs(round.phase) ? round.elapsed_s : 0;
    return row;
  };
  const auto is_done = [this](const std::string& name) {
    const auto found = std::ranges::find(trainings, name, &TrainingSummary::name);
    return found != trainings.end() && found->state == TrainingState::done;
  };
  std::vector<ResultRow> rows;
  if (is_done("finetuned")) rows.push_back(row_of("Deep Incubation", "finetuned", is_of_deep_incubation));
  if (is_done("end_to_end")) {
    rows.push_back(row_of("end to end", "end_to_end", [](const std::string& phase) { return phase == "end_to_end"; }));
  }
  if (is_done("meta")) {
    rows.push_back(row_of("meta model alone", "meta", [](const std::string& phase) { return phase == "meta"; }));
  }
  return rows;
}

void RunSummary::save(const std::filesystem::path& path) const {
  json j = {
      {"state", state},          {"reason", reason},       {"updated", utc_now()},       {"version", kVersion},
      {"git_sha1", kGitSha1},    {"num_ranks", num_ranks}, {"trainings", json::array()}, {"rounds", json::array()},
      {"results", json::array()}};
  for (const TrainingSummary& t : trainings) j["trainings"].push_back(to_json(t));
  for (const RoundSummary& r : rounds) j["rounds"].push_back(to_json(r));
  for (const ResultRow& row : results()) j["results"].push_back(to_json(row));
  replace_text_atomically(path, j.dump(2) + "\n");
}

std::vector<RoundSummary> RunSummary::load_rounds(const std::filesystem::path& path) {
  std::vector<RoundSummary> rounds;
  try {
    const json summary = json::parse(read_text(path));  // named: a range-for does not keep the temporary below alive
    for (const json& j : summary.at("rounds")) {
      rounds.push_back({j.at("phase"), j.at("trainings"), j.at("num_ranks"), j.at("began"), j.at("elapsed_s")});
    }
  } catch (const std::exception&) {
    rounds.clear();  // the first start, or a summary of another version: times begin anew
  }
  return rounds;
}

std::string format_results(const std::vector<ResultRow>& rows) {
  std::string table = fmt::format("{:<17} {:>7} {:>10} {:>12} {:>11} {:>11} {:>14}\n", "method", "top-1", "test loss",
                                  "block FLOPs", "rank-hours", "wall-clock", "critical path");
  for (const ResultRow& row : rows) {
    table += fmt::format("{:<17} {:>6.2f}% {:>10.4f} {:>12.3e} {:>11.4f} {:>11} {:>14}\n", row.method,
                         100 * row.evaluation.top1, row.evaluation.loss, row.cost.block_flops, row.cost.rank_s / 3600,
                         format_duration(row.cost.wall_s), format_duration(row.cost.critical_path_s));
  }
  return table;
}

std::string utc_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

}  // namespace incubate
