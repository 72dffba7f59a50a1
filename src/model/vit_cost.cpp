#include "model/stage_cost.h"

namespace incubate {
namespace {

std::int64_t tokens_bytes(const ModelSpec& spec) { return kFloatBytes * spec.num_tokens() * spec.width; }

std::int64_t num_product_weights_of(const ModelSpec& spec, std::int64_t stage_index) {
  const std::int64_t per_block = (4 + (2 * spec.mlp_ratio)) * spec.width * spec.width;
  const std::int64_t of_patches = stage_index == 0 ? spec.channels * spec.patch * spec.patch * spec.width : 0;
  return (spec.depths.at(stage_index) * per_block) + of_patches;
}

std::int64_t num_parameters_of(const ModelSpec& spec, std::int64_t stage_index) {
  const std::int64_t width = spec.width;
  const std::int64_t options = (spec.qkv_bias ? 0 : -3) + (spec.layer_scale > 0 ? 2 : 0);
  std::int64_t count = num_product_weights_of(spec, stage_index) +
                       (spec.depths.at(stage_index) * (9 + spec.mlp_ratio + options) * width);
  if (stage_index == 0) count += (1 + 1 + spec.num_tokens()) * width;  // patch bias, class token, positions
  if (stage_index + 1 == spec.num_stages()) count += 2 * width;
  return count;
}

}  // namespace

StageCost vit_stage_cost(const ModelSpec& spec, std::int64_t stage_index) {
  const std::int64_t depth = spec.depths.at(stage_index);
  const std::int64_t of_norm = stage_index + 1 == spec.num_stages() ? tokens_bytes(spec) : 0;
  return {.num_parameters = num_parameters_of(spec, stage_index),
          .num_product_weights = num_product_weights_of(spec, stage_index),
          .kept_bytes = (depth * kept_bytes_of_vit_block(spec, true)) + of_norm,
          .frozen_kept_bytes = (depth * kept_bytes_of_vit_block(spec, false)) + of_norm,
          .transient_bytes = transient_bytes_of_vit_block(spec),
          .output_bytes = tokens_bytes(spec)};
}

std::int64_t kept_bytes_of_vit_block(const ModelSpec& spec, bool is_learning) {
  const std::int64_t layer_scale = spec.layer_scale > 0 ? 2 : 0;
  const std::int64_t widths = is_learning ? 8 + (2 * spec.mlp_ratio) + layer_scale : 6 + spec.mlp_ratio;
  return kFloatBytes * spec.num_tokens() * ((widths * spec.width) + 4 + spec.heads);
}

std::int64_t transient_bytes_of_vit_block(const ModelSpec& spec) {
  return (4 + (2 * spec.mlp_ratio)) * tokens_bytes(spec);
}

}  // namespace incubate
