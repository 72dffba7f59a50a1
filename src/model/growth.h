#pragma once

#include "model/stage.h"

namespace incubate {

/// Growth that preserves the function: a block whose branches both end in a projection of zeros adds nothing, so it is
/// the identity, and yet it learns, since the gradient of these projections is not zero (Chen et al., "Net2Net", ICLR
/// 2016; the zeros as in Goyal et al., "Accurate, large minibatch SGD", 2017).

/// Makes the blocks of `stage` from `first_block` on the identity: the weights and biases of their last projections,
/// attention's and the MLP's, become 0.
void zero_branches(Stage& stage, std::int64_t first_block);

/// Makes `stage` compute exactly what `smaller` computes: its first blocks, and what it owns beside blocks, become
/// those of `smaller`, its other blocks the identity; the rest of their weights stay as they are. REQUIRES: both are
/// the same stage of the same network but for their depths, and `smaller` is not the deeper one.
void grow(Stage& stage, Stage& smaller);

}  // namespace incubate
