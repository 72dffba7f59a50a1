#include <filesystem>

#include <fmt/ranges.h>

#include "checkpoint/run_directory.h"
#include "commands/commands.h"
#include "commands/print_output.h"
#include "commands/run_arguments.h"
#include "method/training.h"
#include "report/summary.h"

namespace incubate {
namespace {

constexpr const char* kStatusHelp =
    "incubate status [--config] input/NAME.ini [--section.key=value ...]\n\n"
    "Says for scripts how far a run is, as the files of its directory have it:\n"
    "  directory PATH\n"
    "  job STATE TIME          of the job with this run.only: running, stopped, done,\n"
    "                          failed or lost, and when it said so; or none\n"
    "  training NAME done|undone [PARENT ...]      a line for each, parents first\n\n"
    "  --print-config  print the effective configuration of the run and do nothing\n"
    "                  (--print-config=changed: what is not a default, and why)\n"
    "  --help [NAME]   this text, or the settings of a section\n";

}  // namespace

void status_command(const std::vector<std::string>& arguments) {
  RunConfig config;
  if (!read_run_arguments(arguments, kStatusHelp, config, {})) return;
  const RunDirectory run(config.run.directory);
  std::string text = fmt::format("directory {}\njob ", config.run.directory);
  const std::optional<RunSummary> summary = RunSummary::load(run.summary());
  const std::string name = config.run.only.empty() ? "all" : config.run.only;
  if (summary && summary->jobs.contains(name)) {
    const JobSummary& job = summary->jobs.at(name);
    text += fmt::format("{} {}\n", job.state, job.updated);
  } else {
    text += "none\n";
  }
  // Names and parents do not depend on the data, which may take long to verify.
  for (const Training& training : list_trainings(config, imagine_dataset(config.model, config.batch.global))) {
    if (!training.is_chosen) continue;
    const bool is_done = std::filesystem::exists(run.finished(training.name));
    text += fmt::format("training {} {}", training.name, is_done ? "done" : "undone");
    for (const std::string& parent : training.parents()) text += " " + parent;
    text += "\n";
  }
  print_output(text);
}

}  // namespace incubate
