#include <algorithm>

#include "model/resnet_plan.h"
#include "model/stage_cost.h"

namespace incubate {
namespace {

void add_block(const ResidualBlockSpec& block, StageCost& cost) {
  const std::int64_t input_bytes = map_bytes(block.in_width, block.in_side);
  const std::int64_t output_bytes = map_bytes(block.width, block.side);
  cost.num_parameters += (9 * block.width * (block.in_width + block.width)) + (4 * block.width);
  cost.num_statistics += 4 * block.width;
  cost.kept_bytes += input_bytes + (3 * output_bytes);
  cost.transient_bytes = std::max(cost.transient_bytes, input_bytes + (3 * output_bytes));
  cost.output_bytes = output_bytes;
}

}  // namespace

StageCost resnet_stage_cost(const ModelSpec& spec, std::int64_t stage_index) {
  StageCost cost;
  if (stage_index == 0) {
    const std::int64_t width = spec.widths.front();
    cost.num_parameters += (9 * spec.channels * width) + (2 * width);
    cost.num_statistics += 2 * width;
    cost.kept_bytes += map_bytes(width, spec.image_size);
  }
  for (const ResidualBlockSpec& block : list_residual_blocks(spec, stage_index)) add_block(block, cost);
  if (stage_index + 1 == spec.num_stages()) cost.kept_bytes += cost.output_bytes;
  cost.frozen_kept_bytes = cost.kept_bytes;
  return cost;
}

}  // namespace incubate
