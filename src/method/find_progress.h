#pragma once

#include <map>
#include <string>

#include "checkpoint/run_directory.h"
#include "method/round.h"
#include "method/training.h"

namespace incubate {

using Figures = std::map<std::string, double>;

/// What the files of a run say of a training.
struct FoundProgress {
  TrainingProgress progress;
  Figures figures;  ///< those of its finished weights; none before
};

/// How far `training` is by its files, each verified. Throws InputError if one is of another identity or a newer
/// format.
FoundProgress find_progress(const RunDirectory& run, const Training& training);

}  // namespace incubate
