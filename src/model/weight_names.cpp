#include "model/weight_names.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "model/resnet_plan.h"
#include "model/stage.h"

namespace incubate {

namespace {

std::int64_t blocks_before(const ModelSpec& spec, std::int64_t stage_index) {
  return std::accumulate(spec.depths.begin(), spec.depths.begin() + stage_index, std::int64_t{0});
}

/// Returns the index of block `block` of a stage within its group, which may begin in an earlier stage.
std::int64_t index_in_group(const ModelSpec& spec, std::int64_t stage_index, std::int64_t block, std::int64_t group) {
  std::int64_t count = 0;
  for (std::int64_t i = 0; i <= stage_index; ++i) {
    const std::vector<ResidualBlockSpec> blocks = list_residual_blocks(spec, i);
    const auto end = i < stage_index ? blocks.end() : blocks.begin() + block;
    count += std::count_if(blocks.begin(), end, [group](const ResidualBlockSpec& b) { return b.group == group; });
  }
  return count;
}

}  // namespace

std::string weight_name(WeightFormat format, const ModelSpec& spec, std::int64_t stage_index,
                        const std::string& parameter) {
  if (format == WeightFormat::reference) return "stages." + std::to_string(stage_index) + "." + parameter;
  const std::optional<std::int64_t> block = block_of(parameter);
  if (!block) return parameter;
  if (spec.family == Family::vit)
    return block_name(blocks_before(spec, stage_index) + *block, name_in_block(parameter));
  const std::int64_t group = list_residual_blocks(spec, stage_index).at(*block).group;
  return fmt::format("layer{}.{}.{}", group + 1, index_in_group(spec, stage_index, *block, group),
                     name_in_block(parameter));
}

bool has_names(WeightFormat format, const ModelSpec& spec) {
  return format == WeightFormat::timm || spec.family == Family::vit;
}

}  // namespace incubate
