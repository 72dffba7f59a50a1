#pragma once

#include <torch/types.h>

#include "model/stage.h"

namespace incubate {

/// Returns a position embedding (1, 1 + side side, width), resampled from one (1, 1 + n n, width) of n x n patches. The
/// class token keeps its own entry. The entries of patches are interpolated bicubically between the patches' centres (a
/// = -0.75, borders repeated, no antialiasing). DeiT does so before it finetunes at a higher resolution (Touvron et
/// al., ICML 2021).
torch::Tensor resample_position_embedding(const torch::Tensor& embedding, std::int64_t side);

/// Copies the weights of `original` to `stage`; a position embedding is resampled. REQUIRES: both are the same stage of
/// one network, except for the image size.
void change_resolution(Stage& stage, Stage& original);

}  // namespace incubate
