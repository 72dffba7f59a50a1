#pragma once

#include "checkpoint/run_directory.h"
#include "hdf5/verified_file.h"
#include "method/training.h"
#include "model/staged_model.h"

namespace incubate {

/// Gives every stage of `model` its first weights, as `training` states: random ones, or those of a finished training,
/// whose file must have the identity in `trainings`. Call it on one rank, which then broadcasts the weights. Throws
/// InputError if a file is missing, damaged, of another identity, or lacks a parameter.
void load_start_weights(StagedModel& model, const Training& training, const std::vector<Training>& trainings,
                        const RunDirectory& run, std::uint64_t seed, VerifiedFiles& verified);

/// Gives every stage of `model` its weights at the end of `training`. They come from the training's own file; a frozen
/// stage's from the training that made it. Throws InputError as load_start_weights() does.
void load_finished_weights(StagedModel& model, const Training& training, const std::vector<Training>& trainings,
                           const RunDirectory& run);

}  // namespace incubate
