#pragma once

#include <cstdint>
#include <vector>

#include "model/spec.h"

namespace incubate {

/// The shapes of a basic block of a residual network.
struct ResidualBlockSpec {
  std::int64_t group = 0;     ///< the first block of each group except group 0 has stride 2
  std::int64_t in_width = 0;  ///< channels
  std::int64_t width = 0;
  std::int64_t in_side = 0;  ///< height and width in pixels
  std::int64_t side = 0;
  std::int64_t stride = 1;

  bool operator==(const ResidualBlockSpec&) const = default;
};

/// Returns the blocks of stage `stage_index` of the network `spec`, in order. The target's stage consists of parts of
/// one or more groups. A shallower stage keeps the block of stride 2 of each part that begins with one. Its other
/// blocks are divided among the parts in proportion to the target's, by largest remainder. So it maps the same shapes
/// as the target's stage. REQUIRES: spec.depths[stage_index] is at least the number of strides in the target's stage
/// and at most its depth.
std::vector<ResidualBlockSpec> list_residual_blocks(const ModelSpec& spec, std::int64_t stage_index);

}  // namespace incubate
