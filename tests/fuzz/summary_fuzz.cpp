// Fuzzes a run's summary.json with any text. Two jobs then save into it: they must succeed and leave a valid file.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "fuzz/allocation_limit.h"
#include "fuzz/json_mutator.h"
#include "hdf5/atomic_file.h"
#include "report/summary.h"
#include "support/temporary_directory.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace incubate {
namespace {

RunSummary make_summary(const std::string& job) {
  RunSummary summary;
  summary.job = job;
  summary.own().num_ranks = 4;
  for (const char* name : {"meta", "stage_0"}) {
    TrainingSummary training;
    training.name = name;
    training.phase = name == std::string("meta") ? "meta" : "incubation";
    training.is_own = job == "all" || job == name;
    summary.trainings.push_back(training);
  }
  summary.rounds.push_back({.phase = "meta",
                            .trainings = {"meta"},
                            .num_ranks = 4,
                            .job = job,
                            .began_s = 1e9,
                            .elapsed_s = 2,
                            .idle = 0.1});
  return summary;
}

void save_into(const std::string& text) {
  static const TemporaryDirectory directory;
  const FilePath path = directory / "summary.json";
  for (const char* job : {"all", "meta"}) {
    replace_text_atomically(path, text);
    RunSummary summary = make_summary(job);
    summary.save(path);
    const std::string saved = read_text(path);
    const nlohmann::json json = nlohmann::json::parse(saved);
    check_running(json.at("trainings").is_array() && json.at("jobs").contains(job), "saved as {}", saved);
    format_results({{"top1", "top-1", "%"}}, summary.results());
    // The same job and one that has seen nothing save it again: trainings and rounds stay the same.
    RunSummary other = make_summary("stage_0");
    other.save(path);
    const nlohmann::json again = nlohmann::json::parse(read_text(path));
    check_running(again.at("jobs").contains(job), "job {} of {} is lost: {}", job, saved, again.dump());
  }
}

}  // namespace
}  // namespace incubate

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  if (seed % 2 == 0) return LLVMFuzzerMutate(data, size, most);
  std::string text = incubate::change_json({data, data + size}, seed / 2);
  text.resize(std::min(text.size(), most));
  std::ranges::copy(text, data);
  return text.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace incubate;
  const AllocationLimit limit((std::size_t{2} << 20) + (400 * size));
  save_into({data, data + size});
  return 0;
}
