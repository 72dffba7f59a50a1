#include <algorithm>

#include "model/stage_cost.h"

namespace incubate {
namespace {

std::int64_t num_product_weights_of(const ModelSpec& spec, std::int64_t stage_index) {
  const std::int64_t per_block = ((4 * spec.width) + (2 * spec.hidden())) * spec.width;
  const std::int64_t of_patches = stage_index == 0 ? spec.channels * spec.patch * spec.patch * spec.width : 0;
  return (spec.depths.at(stage_index) * per_block) + of_patches;
}

std::int64_t num_parameters_of(const ModelSpec& spec, std::int64_t stage_index) {
  const std::int64_t width = spec.width;
  const std::int64_t options = (spec.qkv_bias ? 0 : -3) + (spec.layer_scale > 0 ? 2 : 0);
  std::int64_t count = num_product_weights_of(spec, stage_index) +
                       (spec.depths.at(stage_index) * (((9 + options) * width) + spec.hidden()));
  if (stage_index == 0) count += (1 + 1 + spec.num_tokens()) * width;  // patch bias, class token, positions
  if (stage_index + 1 == spec.num_stages()) count += 2 * width;
  return count;
}

/// Bytes of one value in a branch's type, and of `width` values in fp32 and in a branch's type.
struct RowBytes {
  explicit RowBytes(const ModelSpec& spec)
      : element(spec.precision == Precision::bf16 ? 2 : kFloatBytes),
        x(kFloatBytes * spec.width),
        branch(element * spec.width) {}

  std::int64_t element;
  std::int64_t x;
  std::int64_t branch;
};

std::int64_t kept_of_block(const ModelSpec& spec, bool is_learning, std::int64_t num_outputs) {
  constexpr std::int64_t kNormStatistics = 2 * kFloatBytes;
  const RowBytes row(spec);
  const std::int64_t log_sum_exp = kFloatBytes * spec.heads;
  const std::int64_t hidden = row.element * spec.hidden();
  std::int64_t a_token = row.x + kNormStatistics + (3 * row.branch);
  std::int64_t an_output = row.x + kNormStatistics + row.branch + log_sum_exp + hidden;
  if (is_learning) {
    a_token += row.branch;
    an_output += row.branch + hidden + (spec.layer_scale > 0 ? 2 * row.x : 0);
  }
  return (spec.num_tokens() * a_token) + (num_outputs * an_output);
}

/// A learning LayerScale keeps its input where the branch is added: for the stage's last branch, behind the blocks.
std::int64_t kept_of_last_branch(const ModelSpec& spec, bool is_learning, std::int64_t num_outputs) {
  return is_learning && spec.layer_scale > 0 ? num_outputs * RowBytes(spec).x : 0;
}

/// Returns the bytes that a learning embedding keeps.
std::int64_t patches_bytes(const ModelSpec& spec) {
  return RowBytes(spec).element * (spec.num_tokens() - 1) * spec.channels * spec.patch * spec.patch;
}

/// Returns the bytes of the class token with mean and inverse deviation.
std::int64_t kept_of_norm(const ModelSpec& spec) { return RowBytes(spec).x + (2 * kFloatBytes); }

}  // namespace

StageCost vit_stage_cost(const ModelSpec& spec, std::int64_t stage_index) {
  return {.num_parameters = num_parameters_of(spec, stage_index),
          .num_product_weights = num_product_weights_of(spec, stage_index)};
}

StageActivations vit_stage_activations(const ModelSpec& spec, std::int64_t stage_index, StageUse use) {
  const RowBytes row(spec);
  const bool is_learning = use == StageUse::learning;
  const bool is_last = stage_index + 1 == spec.num_stages();
  const std::int64_t tokens = spec.num_tokens();
  StageActivations sizes{.backward = tokens * (row.x + std::max(2 * row.element * spec.hidden(), 8 * row.branch)),
                         .alone = tokens * ((3 * row.x) + (3 * row.branch) + (3 * row.element * spec.hidden())),
                         .output = tokens * row.x};
  const std::int64_t depth = spec.depths.at(stage_index);
  for (std::int64_t i = 0; i < depth; ++i) {
    const bool is_first_block = i == 0;
    const std::int64_t num_outputs = is_last && i + 1 == depth ? 1 : tokens;
    const std::int64_t kept = kept_of_block(spec, is_learning, num_outputs);
    sizes.kept += kept;
    sizes.inputs += tokens * (row.x + (is_first_block ? 0 : row.branch));
    // The first block's norm keeps its input.
    const std::int64_t inside = kept - (is_first_block ? tokens * row.x : 0);
    sizes.block = std::max(sizes.block, inside + (num_outputs * (row.x + (2 * row.branch))));
    if (i + 1 == depth) sizes.inputs += kept_of_last_branch(spec, is_learning, num_outputs);
  }
  const std::int64_t beside_blocks =
      (stage_index == 0 && is_learning ? patches_bytes(spec) : 0) + (is_last ? kept_of_norm(spec) : 0);
  sizes.kept += beside_blocks;
  sizes.inputs += beside_blocks;
  if (is_learning) sizes.weight_gradient = std::max(spec.hidden(), 3 * spec.width) * row.branch;
  return sizes;
}

}  // namespace incubate
