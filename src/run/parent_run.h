#pragma once

#include <string>
#include <vector>

#include "checkpoint/run_directory.h"
#include "config/run_config.h"
#include "hdf5/verified_file.h"
#include "method/training.h"
#include "report/summary.h"

namespace incubate {

/// The things that a run has from its parent (run.parent).
struct ParentRun {
  std::vector<std::string> notes;    ///< for people
  std::vector<RoundSummary> rounds;  ///< in which the parent trained what was taken over
};

/// Gives `run` the finished trainings of run.parent that it has chosen and has not begun, where the identity is the
/// same: their files become links, or copies where the file system has no links. Adds them to `verified`. Call it on
/// one rank. Throws InputError if the parent is no other run, or a file of it is damaged.
ParentRun take_over_from_parent(const RunConfig& config, const RunDirectory& run,
                                const std::vector<Training>& trainings, VerifiedFiles& verified);

}  // namespace incubate
