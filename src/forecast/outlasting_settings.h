#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "method/training.h"

namespace incubate {

/// Returns a warning for each setting of a wanted training that has another effect than its name says, because the
/// training is too short or has too few images: an average of the weights that still holds the first ones, a warm-up
/// that does not end, runs of images that are most of them.
std::vector<std::string> find_outlasting(const RunConfig& config, const std::vector<Training>& trainings,
                                         std::int64_t num_train);

}  // namespace incubate
