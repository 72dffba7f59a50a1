#include "model/spec.h"

#include <numeric>
#include <stdexcept>

#include <fmt/ranges.h>

#include "model/resnet_plan.h"

namespace incubate {

std::int64_t ModelSpec::num_blocks() const { return std::accumulate(depths.begin(), depths.end(), std::int64_t{0}); }

namespace {

double vit_block_flops(const ModelSpec& spec) {
  const auto tokens = static_cast<double>(spec.num_tokens());
  const auto width = static_cast<double>(spec.width);
  const auto hidden = static_cast<double>(spec.hidden());
  return (2 * tokens * width * ((4 * width) + (2 * hidden))) + (4 * tokens * tokens * width);
}

double residual_block_flops(const ResidualBlockSpec& block) {
  constexpr double kKernel = 3 * 3;
  const auto pixels = static_cast<double>(block.side * block.side);
  const auto width = static_cast<double>(block.width);
  return 2 * pixels * kKernel * width * (static_cast<double>(block.in_width) + width);
}

}  // namespace

ModelSpec target_spec(const ModelConfig& config) { return {config, config.depths, config.depths}; }
ModelSpec meta_spec(const ModelConfig& config) { return {config, config.meta_depths, config.depths}; }

ModelSpec hybrid_spec(const ModelConfig& config, std::int64_t stage_index) {
  ModelSpec spec = meta_spec(config);
  spec.depths.at(stage_index) = config.depths.at(stage_index);
  return spec;
}

std::string depths_text(const ModelSpec& spec) {
  if (spec.family == Family::vit) return to_text(spec.depths);
  std::vector<std::string> stages;
  for (std::int64_t i = 0; i < spec.num_stages(); ++i) {
    std::vector<std::int64_t> counts(spec.num_groups(), 0);
    for (const ResidualBlockSpec& block : list_residual_blocks(spec, i)) ++counts[block.group];
    stages.push_back(fmt::format("{}", fmt::join(counts, "+")));
  }
  return to_text(stages);
}

double block_forward_flops(const ModelSpec& spec, std::int64_t stage_index, std::int64_t block) {
  switch (spec.family) {
    case Family::vit:
      return vit_block_flops(spec);
    case Family::resnet:
      return residual_block_flops(list_residual_blocks(spec, stage_index).at(block));
  }
  throw std::logic_error("unknown family");
}

double block_training_flops(const ModelSpec& spec, const std::vector<bool>& is_learning) {
  double flops = 0;
  bool has_gradient = false;
  for (std::int64_t i = 0; i < spec.num_stages(); ++i) {
    has_gradient = has_gradient || is_learning[i];
    const int passes = is_learning[i] ? 3 : has_gradient ? 2 : 1;
    for (std::int64_t block = 0; block < spec.depths[i]; ++block) {
      flops += passes * block_forward_flops(spec, i, block);
    }
  }
  return flops;
}

}  // namespace incubate
