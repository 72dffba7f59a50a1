#pragma once

#include "checkpoint/checkpoint.h"
#include "checkpoint/run_directory.h"
#include "config/exchange_config.h"
#include "method/training.h"
#include "model/staged_model.h"

namespace incubate {

/// Weights from and for other programs.

/// All weights and running statistics of `model` under the names of `format`.
StateDict named_weights(StagedModel& model, WeightFormat format);

/// Sets all weights and running statistics of `model` from those of the file `path`. Throws InputError unless the file
/// has just the model's names, each in its shape and finite.
void load_named_weights(StagedModel& model, WeightFormat format, const StateDict& weights, const FilePath& path);

/// The weights at the end of `training`, frozen stages included: for an incubation those of the hybrid model, which are
/// the meta model's but for its stage. Throws InputError unless it is done.
StateDict export_training(const Training& training, const std::vector<Training>& trainings, const RunDirectory& run,
                          WeightFormat format);

/// Makes `training` done with the weights of the safetensors file `input`: the stages that it learns are kept, the
/// others left to the trainings that made them. The file in the run directory has the training's identity and the
/// figure "imported" = 1, and `config_text` for people. Throws InputError if the training is done, under way, or
/// another job's, or the file does not fit.
void import_training(const Training& training, const RunDirectory& run, WeightFormat format, const FilePath& input,
                     const std::string& config_text);

}  // namespace incubate
