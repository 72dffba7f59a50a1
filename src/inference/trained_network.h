#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/inference_config.h"
#include "method/training.h"
#include "model/staged_model.h"
#include "parallel/process_group.h"
#include "tasks/task.h"

namespace incubate {

/// A network ready for use, the same on every rank.
struct TrainedNetwork {
  std::string origin;                    ///< for people: the training, or the file of weights
  Training training;                     ///< whose network it is
  std::unique_ptr<const Task> task;      ///< makes images as the training did
  std::unique_ptr<StagedModel> model;    ///< on the group's device
  std::vector<std::string> class_names;  ///< of the images it was trained on; empty if no file says
};

/// Loads the network of `choice`: a finished training of the run, or a file of weights, which is taken for the run's
/// `finetuned` network. Throws AgreedInputError if a file is missing, damaged or does not fit. REQUIRES: run.sums is
/// settled. Collective over `group`.
TrainedNetwork load_network(const RunConfig& config, const NetworkChoice& choice, ProcessGroup& group);

/// Throws InputError unless the images of data.file, which `data` describes, are as `network` takes them.
void check_images_fit(const RunConfig& config, const TrainedNetwork& network, const DatasetInfo& data);

}  // namespace incubate
