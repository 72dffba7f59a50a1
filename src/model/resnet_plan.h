#pragma once

#include <cstdint>
#include <vector>

#include "model/spec.h"

namespace incubate {

/// A basic block of a residual network: what it takes and what it makes of it.
struct ResidualBlockSpec {
  std::int64_t group = 0;     ///< the first block of each group but the network's first has stride 2
  std::int64_t in_width = 0;  ///< channels
  std::int64_t width = 0;
  std::int64_t in_side = 0;  ///< height and width in pixels
  std::int64_t side = 0;
  std::int64_t stride = 1;

  bool operator==(const ResidualBlockSpec&) const = default;
};

/// The blocks of stage `stage_index` of the network `spec`, in order. The stage has a part of one group or of several
/// in the target network. A shallower one keeps of each part the block of stride 2, if the part begins with it; its
/// other blocks are dealt to the parts in proportion to those of the target, by largest remainder. So it maps the same
/// shapes as the target's, which it is at full depth. REQUIRES: spec.depths[stage_index] is at least the number of
/// strides in the target's stage and at most its depth.
std::vector<ResidualBlockSpec> list_residual_blocks(const ModelSpec& spec, std::int64_t stage_index);

}  // namespace incubate
