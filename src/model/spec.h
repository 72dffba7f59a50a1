#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/run_config.h"

namespace incubate {

/// The structure of a network. Target, meta and hybrid models differ only in the depth of each stage.
struct ModelSpec : NetworkConfig {
  std::vector<std::int64_t> depths = {};         ///< blocks of each stage
  std::vector<std::int64_t> target_depths = {};  ///< of the target; they determine a residual network's blocks
  Precision precision = Precision::fp32;         ///< of the blocks
  Recompute recompute = Recompute::none;         ///< changes memory and time, never a result

  std::int64_t num_stages() const { return static_cast<std::int64_t>(depths.size()); }
  std::int64_t num_blocks() const;
  /// Returns the number of patches, plus 1 for the class token.
  std::int64_t num_tokens() const { return (image_size / patch) * (image_size / patch) + 1; }
  std::int64_t num_groups() const { return static_cast<std::int64_t>(widths.size()); }
  /// Returns the height and width in pixels of a group's output in a residual network. Each group except group 0 halves
  /// the image, rounding up.
  std::int64_t side_of_group(std::int64_t group) const {
    return (image_size + (std::int64_t{1} << group) - 1) >> group;
  }
};

/// Returns the target network: every stage at full depth.
ModelSpec target_spec(const ModelConfig& config);
/// Returns the meta model: every stage at the meta depth.
ModelSpec meta_spec(const ModelConfig& config);
/// Returns the meta model with stage `stage_index` of the target.
ModelSpec hybrid_spec(const ModelConfig& config, std::int64_t stage_index);

/// Returns a text that differs between the networks of one configuration: stage depths, such as "3,1,1,1". Those of a
/// residual network are split by group, such as "18+0+0,0+1+0,0+0+1": depths alone do not determine its blocks.
std::string depths_text(const ModelSpec& spec);

/// Returns the floating-point operations of the forward pass of block `block` of stage `stage_index` on one image. A
/// multiply-add counts as two.
///   Vision transformer: 2 T D (4 D + 2 H) for weights, 4 T^2 D for attention; T tokens, width D, hidden width H.
///   Residual network: 2 S^2 9 C (C_in + C) for both convolutions, with S x S pixels and C channels in the output.
double block_forward_flops(const ModelSpec& spec, std::int64_t stage_index, std::int64_t block);

/// Returns the operations of training on one image when stages `is_learning` learn. A frozen block
/// costs 2 forward passes (1 before the first learning stage), a learning block 3.
double block_training_flops(const ModelSpec& spec, const std::vector<bool>& is_learning);

}  // namespace incubate
