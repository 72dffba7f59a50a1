#pragma once

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "config/exchange_config.h"
#include "method/training.h"
#include "model/staged_model.h"
#include "tasks/task.h"

namespace incubate {

/// Weights from and for other programs.

/// Returns all weights and running statistics of `model` under the names of `format`.
StateDict named_weights(StagedModel& model, WeightFormat format);

/// Sets all weights and running statistics of `model` from `weights`, read from `path`; with `takes_head` = false all
/// but the head's. Throws InputError unless the names are the model's, each with the right shape and finite values.
void load_named_weights(StagedModel& model, WeightFormat format, StateDict weights, const FilePath& path,
                        bool takes_head = true);

/// Returns what the run's trainings train on: as the file of `training` says, or else any of the run's files, or else
/// data.file. Throws InputError if none can be read.
DatasetInfo find_data(const RunConfig& config, const std::string& training);

/// Throws InputError unless `training` is done in `run`.
void check_done(const Training& training, const RunDirectory& run);

/// Returns the weights at the end of `training`, including frozen stages: an incubation gives its hybrid model. Throws
/// InputError unless the training is done.
StateDict export_training(const Training& training, const std::vector<Training>& trainings, const Task& task,
                          const RunDirectory& run, WeightFormat format);

/// Makes `training` done with the weights of the safetensors file `input`. Keeps only the stages that the training
/// learns. The written file has the training's identity, and the figure "imported" = 1.
/// Throws InputError if the training is done, in progress, or another job's, or if the file does not fit.
void import_training(const Training& training, const Task& task, const RunDirectory& run, WeightFormat format,
                     const FilePath& input);

}  // namespace incubate
