#pragma once

#include <torch/types.h>

namespace incubate {

/// The loss of a micro-batch as a sum with a weight. Sums over micro-batches divide by what the weights come to.
struct Loss {
  /// float, one value: the sum over the micro-batch divided by the nominal weight of a micro-batch (see
  /// Task::nominal_weight()). The backward pass runs on it.
  torch::Tensor value;
  torch::Tensor weight;  ///< int64, one value: what the sum is over, such as images or labelled pixels
};

}  // namespace incubate
