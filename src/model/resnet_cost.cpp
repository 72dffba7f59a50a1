#include <algorithm>

#include "model/resnet_plan.h"
#include "model/stage_cost.h"

namespace incubate {
StageCost resnet_stage_cost(const ModelSpec& spec, std::int64_t stage_index) {
  StageCost cost;
  if (stage_index == 0) {
    const std::int64_t width = spec.widths.front();
    cost.num_parameters += (9 * spec.channels * width) + (2 * width);
    cost.num_statistics += 2 * width;
  }
  for (const ResidualBlockSpec& block : list_residual_blocks(spec, stage_index)) {
    cost.num_parameters += (9 * block.width * (block.in_width + block.width)) + (4 * block.width);
    cost.num_statistics += 4 * block.width;
  }
  return cost;
}

StageActivations resnet_stage_activations(const ModelSpec& spec, std::int64_t stage_index, StageUse use) {
  StageActivations sizes;
  if (stage_index == 0) sizes.inputs += map_bytes(spec.widths.front(), spec.image_size);
  for (const ResidualBlockSpec& block : list_residual_blocks(spec, stage_index)) {
    const std::int64_t input = map_bytes(block.in_width, block.in_side);
    const std::int64_t output = map_bytes(block.width, block.side);
    const std::int64_t inside = 3 * output;
    sizes.inputs += input;
    sizes.kept += inside;
    sizes.block = std::max(sizes.block, inside + (2 * output));
    sizes.backward = std::max(sizes.backward, (2 * output) + std::max(output, input));
    sizes.alone = std::max(sizes.alone, input + inside);
    sizes.output = output;
    const std::int64_t weight = kFloatBytes * 9 * block.width * std::max(block.in_width, block.width);
    if (use == StageUse::learning) sizes.weight_gradient = std::max(sizes.weight_gradient, weight);
  }
  if (stage_index + 1 == spec.num_stages()) sizes.inputs += sizes.output;
  sizes.kept += sizes.inputs;
  return sizes;
}

}  // namespace incubate
