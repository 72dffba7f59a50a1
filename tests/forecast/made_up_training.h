#pragma once

#include <string>
#include <vector>

#include "method/training.h"
#include "model/linear_head.h"
#include "support/tiny_model.h"

namespace incubate {

/// Returns a training of `spec` in which the given stages learn.
inline Training training_of(const ModelSpec& spec, const std::vector<bool>& is_learning) {
  return {.name = "t",
          .spec = spec,
          .head = linear_head_cost(spec),
          .is_learning = is_learning,
          .weight_sources = std::vector<std::string>(is_learning.size(), "meta")};
}

/// Returns the training of a hybrid of the tiny model in which only stage `index` learns.
inline Training incubation_of(std::int64_t index) {
  std::vector<bool> is_learning(3, false);
  is_learning[index] = true;
  return training_of(hybrid_spec(tiny_model_config(), index), is_learning);
}

}  // namespace incubate
