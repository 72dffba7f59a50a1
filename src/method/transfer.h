#pragma once

#include <string>

#include "method/training.h"
#include "model/staged_model.h"

namespace incubate {

/// The start of a training from the weights of another run or program (transfer.from).

/// Sets an empty transfer.source to the identity of the checkpoint that transfer.from names, or to a hash of the
/// safetensors file's bytes, if `config` names the training. Throws InputError if the file cannot be read.
void settle_transfer(RunConfig& config);

/// Gives `model` the weights of `training.transfer`. A position embedding is resampled if it is for another image size.
/// The head keeps its first weights, unless transfer.head says, or finds by the names of classes, that the file's is to
/// be taken. Returns what it did, for people. Throws InputError if the file is damaged, is not transfer.source, or is
/// of another network.
std::string load_transferred(StagedModel& model, const Training& training);

}  // namespace incubate
