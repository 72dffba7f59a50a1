#include "run/parent_run.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "base/check.h"
#include "checkpoint/checkpoint.h"
#include "config/identity.h"
#include "hdf5/atomic_file.h"

namespace incubate {
namespace {

/// Both names then have one file, which nobody changes: finished files are only replaced.
void link_or_copy(const FilePath& from, const FilePath& to) {
  replace_atomically(to, [&from](const FilePath& draft) {
    std::error_code no_links;
    std::filesystem::remove(draft);
    std::filesystem::create_hard_link(from, draft, no_links);
    if (no_links) std::filesystem::copy_file(from, draft);
  });
}

}  // namespace

ParentRun take_over_from_parent(const RunConfig& config, const RunDirectory& run,
                                const std::vector<Training>& trainings, VerifiedFiles& verified) {
  ParentRun result;
  if (config.run.parent.empty()) return result;
  const RunDirectory parent(config.run.parent);
  std::error_code none;
  check_input(parent.is_own(),
              "run.parent={} is not the directory of a run (no run wrote a config.ini there). Name one.",
              config.run.parent);
  check_input(!std::filesystem::equivalent(parent.root(), run.root(), none),
              "run.parent={} is this run's own directory. Name another run, or give another run.directory.",
              config.run.parent);
  std::vector<std::string> taken;
  for (const Training& training : trainings) {
    const std::string& name = training.name;
    const FilePath there = parent.finished(name);
    const bool has_begun = std::filesystem::exists(run.finished(name)) || !run.list_resume_points(name).empty();
    if (!training.is_chosen || has_begun || !std::filesystem::exists(there)) continue;
    const CheckpointHeader header = load_header(there, verified);
    if (header.identity != training.identity) {
      const auto differences =
          list_differences({header.identity_text, header.config}, {training.identity_text, training.config});
      result.notes.push_back(
          fmt::format("{} has {} with other settings ({})", config.run.parent, name, fmt::join(differences, "; ")));
      continue;
    }
    if (taken.empty()) run.create();
    if (std::filesystem::exists(parent.metrics(name))) link_or_copy(parent.metrics(name), run.metrics(name));
    link_or_copy(there, run.finished(name));
    verified.insert(run.finished(name));
    taken.push_back(name);
  }
  if (taken.empty()) return result;
  result.notes.push_back(fmt::format("taken over from {}: {}", config.run.parent, fmt::join(taken, ", ")));
  if (const auto summary = RunSummary::load(parent.summary())) {
    std::ranges::copy_if(summary->rounds, std::back_inserter(result.rounds), [&taken](const RoundSummary& round) {
      return std::ranges::find_first_of(round.trainings, taken) != round.trainings.end();
    });
  }
  return result;
}

}  // namespace incubate
