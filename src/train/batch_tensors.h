#pragma once

#include <torch/types.h>

#include "data/loader.h"
#include "train/task.h"

namespace incubate {

/// A batch on the device that computes.
struct BatchTensors {
  torch::Tensor images;  ///< (size, channels, height, width) float
  Targets targets;
};

/// `side` is height and width. Raw images are normalised, erased and blended by the device. The tensors may share the
/// memory of `batch`, which must outlive them. Does not wait for the GPU: the batch lies in batch_memory() of that,
/// from where it is copied, and its values stay as they are.
BatchTensors to_tensors(Batch& batch, std::int64_t side, torch::Device device);

}  // namespace incubate
