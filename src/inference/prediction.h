#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "config/inference_config.h"
#include "inference/trained_network.h"
#include "vision/dataset.h"

namespace incubate {

/// The images to predict, with their names in the output.
struct NamedImages {
  const Dataset& dataset;
  const Task& task;  ///< makes the network's input of them
  std::function<std::string(std::int64_t index)> name;
};

/// How many images had a prediction, and how many could not be read.
struct PredictionCounts {
  std::int64_t predicted = 0;
  std::int64_t damaged = 0;
};

/// Returns the first line of a CSV file with `top` classes a line; of a JSON file no text.
std::string prediction_header(const PredictConfig& options);
/// Returns what every file of predictions begins with.
std::string prediction_begin(const PredictConfig& options);

/// Predicts all images in order; the text is the same on any number of ranks. Calls `write` on the leader with text of
/// whole lines, `warn` on any rank with what is wrong with an image, whose line then has no class. REQUIRES: there are
/// `options.top` classes. Collective over `group`.
PredictionCounts predict(const TrainedNetwork& network, const NamedImages& images, const PredictConfig& options,
                         std::int64_t workers, ProcessGroup& group,
                         const std::function<void(const std::string& text)>& write,
                         const std::function<void(const std::string& message)>& warn);

}  // namespace incubate
