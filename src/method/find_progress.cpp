#include "method/find_progress.h"

#include <optional>

#include "checkpoint/checkpoint.h"
#include "report/metrics_file.h"

namespace incubate {
namespace {

/// The header of the latest checkpoint that is intact; those that are must be of this configuration: a changed setting
/// is refused, not silently begun anew.
std::optional<CheckpointHeader> find_resume_point(const RunDirectory& run, const Training& training) {
  std::optional<CheckpointHeader> latest;
  for (const std::int64_t step : run.list_resume_points(training.name)) {
    const FilePath path = run.resume_point(training.name, step);
    try {
      const CheckpointHeader header = load_header(path);
      check_identity(path, header, training.identity, training.identity_text);
      if (!latest) latest = header;
    } catch (const DamagedFileError&) {
      continue;  // the training warns and takes the one before
    }
  }
  return latest;
}

}  // namespace

FoundProgress find_progress(const RunDirectory& run, const Training& training) {
  FoundProgress found;
  found.progress.total_steps = training.total_steps;
  const FilePath path = run.finished(training.name);
  std::optional<CheckpointHeader> header;
  if (std::filesystem::exists(path)) {
    header = load_header(path);
    check_identity(path, *header, training.identity, training.identity_text);
    found.figures = header->figures;
  } else {
    header = find_resume_point(run, training);
    if (header) check_metrics_version(run.metrics(training.name));
  }
  if (header) {
    const auto micro_batch_s = header->figures.find("micro_batch_s");
    found.progress.steps_done = header->step;
    found.progress.micro_batch_s = micro_batch_s == header->figures.end() ? 0 : micro_batch_s->second;
  }
  return found;
}

}  // namespace incubate
