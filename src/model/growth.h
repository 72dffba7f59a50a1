#pragma once

#include "model/stage.h"

namespace incubate {

/// Growth that preserves the function: a block whose branches end in zeros adds nothing, so it is the identity, and yet
/// it learns, since the gradient of these zeros is not zero (Chen et al., "Net2Net", ICLR 2016; the zeros as in Goyal
/// et al., "Accurate, large minibatch SGD", 2017). In a residual network what passes is not negative, so that the
/// rectifier behind the branch changes nothing either.

/// Makes block `block` of `stage` the identity (one that changes shapes: its shortcut): what its branches end with (the
/// last projections of attention and MLP; the last norm of a residual block) becomes 0.
void zero_branches(Stage& stage, std::int64_t block);

/// Makes `stage` compute exactly what `smaller` computes: its first blocks of each kind, and what it owns beside
/// blocks, become those of `smaller`, running statistics included, its other blocks the identity; the rest of their
/// weights stay as they are. REQUIRES: both are the same stage of the same network but for their depths, and `smaller`
/// has no more blocks of any kind.
void grow(Stage& stage, Stage& smaller);

}  // namespace incubate
