#pragma once

#include "model/stage.h"

namespace incubate {

/// Growth that preserves the function: a block whose branches end in zeros adds nothing, so it is the identity. It
/// still learns, because the gradient of these zeros is not zero (Chen et al., "Net2Net", ICLR 2016; the zeros as in
/// Goyal et al., "Accurate, large minibatch SGD", 2017). In a residual network a block's input is never negative, so
/// the last rectifier changes nothing.

/// Sets the ends of the branches of block `block` to 0: the last projections of attention and MLP, or the last norm of
/// a residual block. The block becomes the identity, or its shortcut if it changes shapes.
void zero_branches(Stage& stage, std::int64_t block);

/// Makes `stage` compute exactly what `smaller` computes. The first blocks of each kind, and all tensors outside
/// blocks, become those of `smaller`, with running statistics. The other blocks become the identity and keep the rest
/// of their weights. REQUIRES: both are the same stage of one network at different depths, and `smaller` has no more
/// blocks of any kind.
void grow(Stage& stage, Stage& smaller);

}  // namespace incubate
