#include <algorithm>

#include "model/gpu_activations.h"
#include "model/resnet_plan.h"
#include "model/stage_cost.h"

namespace incubate {

GpuActivations resnet_gpu_activations(const ModelSpec& spec, std::int64_t stage_index, StageUse use) {
  const StageCost cost = resnet_stage_cost(spec, stage_index);
  GpuActivations sizes{
      .kept = cost.kept_bytes, .inputs = cost.kept_bytes, .alone = cost.transient_bytes, .output = cost.output_bytes};
  for (const ResidualBlockSpec& block : list_residual_blocks(spec, stage_index)) {
    const std::int64_t input = map_bytes(block.in_width, block.in_side);
    const std::int64_t output = map_bytes(block.width, block.side);
    const std::int64_t inside = 3 * output;
    sizes.inputs -= inside;
    sizes.block = std::max(sizes.block, inside + (2 * output));
    sizes.backward = std::max(sizes.backward, (2 * output) + std::max(output, input));
    const std::int64_t weight = kFloatBytes * 9 * block.width * std::max(block.in_width, block.width);
    if (use == StageUse::learning) sizes.weight_gradient = std::max(sizes.weight_gradient, weight);
  }
  return sizes;
}

}  // namespace incubate
