#pragma once

#include <torch/types.h>

#include "model/stage.h"

namespace incubate {

/// A position embedding (1, 1 + n n, width), that of the class token and of n x n patches, for `side` x `side` patches:
/// (1, 1 + side side, width). The class token keeps its own; the others are interpolated bicubically between the
/// centres of patches (a = -0.75, borders repeated, no antialiasing), as DeiT does before it finetunes at a higher
/// resolution (Touvron et al., ICML 2021).
torch::Tensor resample_position_embedding(const torch::Tensor& embedding, std::int64_t side);

/// Gives `stage` the weights of `original`, its position embedding resampled if it has one. REQUIRES: both are the same
/// stage of the same network but for the image size.
void change_resolution(Stage& stage, Stage& original);

}  // namespace incubate
