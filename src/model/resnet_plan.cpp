#include "model/resnet_plan.h"

#include <algorithm>
#include <numeric>

#include <c10/util/Exception.h>

namespace incubate {
namespace {

/// The blocks of one group that a stage of the target network has.
struct Part {
  std::int64_t group = 0;
  std::int64_t depth = 0;
  std::int64_t num_strided = 0;  ///< 1 if the part begins with the group's block of stride 2

  std::int64_t num_plain() const { return depth - num_strided; }
};

std::vector<Part> list_parts(const ModelSpec& spec, std::int64_t stage_index) {
  const auto& depths = spec.target_depths;
  const std::int64_t first = std::accumulate(depths.begin(), depths.begin() + stage_index, std::int64_t{0});
  const std::int64_t end = first + depths.at(stage_index);
  std::vector<Part> parts;
  for (std::int64_t group = 0; group < spec.num_groups(); ++group) {
    const std::int64_t group_first = group * spec.group_depth;
    const std::int64_t begin = std::max(first, group_first);
    const std::int64_t depth = std::min(end, group_first + spec.group_depth) - begin;
    if (depth > 0) parts.push_back({group, depth, begin == group_first && group > 0 ? 1 : 0});
  }
  return parts;
}

/// Divides `count` blocks of stride 1 among the parts.
std::vector<std::int64_t> deal_plain_blocks(const std::vector<Part>& parts, std::int64_t count) {
  std::int64_t available = 0;
  for (const Part& part : parts) available += part.num_plain();
  TORCH_INTERNAL_ASSERT(count >= 0 && count <= available);
  std::vector<std::int64_t> dealt(parts.size(), 0);
  if (count == 0) return dealt;
  std::vector<std::int64_t> remainders;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    dealt[i] = count * parts[i].num_plain() / available;
    remainders.push_back(count * parts[i].num_plain() % available);
  }
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return remainders[i]; });
  const std::int64_t left = count - std::accumulate(dealt.begin(), dealt.end(), std::int64_t{0});
  for (std::int64_t i = 0; i < left; ++i) ++dealt[order[i]];
  return dealt;
}

}  // namespace

std::vector<ResidualBlockSpec> list_residual_blocks(const ModelSpec& spec, std::int64_t stage_index) {
  const std::vector<Part> parts = list_parts(spec, stage_index);
  std::int64_t num_strided = 0;
  for (const Part& part : parts) num_strided += part.num_strided;
  const std::vector<std::int64_t> dealt = deal_plain_blocks(parts, spec.depths.at(stage_index) - num_strided);
  std::vector<ResidualBlockSpec> blocks;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::int64_t group = parts[i].group;
    const std::int64_t width = spec.widths[group];
    const std::int64_t side = spec.side_of_group(group);
    if (parts[i].num_strided == 1) {
      blocks.push_back({group, spec.widths[group - 1], width, spec.side_of_group(group - 1), side, 2});
    }
    blocks.insert(blocks.end(), dealt[i], {group, width, width, side, side, 1});
  }
  return blocks;
}

}  // namespace incubate
