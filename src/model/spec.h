#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/run_config.h"

namespace incubate {

/// What a network is. Target, meta and hybrid models differ only in the depth of each stage.
struct ModelSpec : NetworkConfig {
  std::vector<std::int64_t> depths = {};         ///< blocks of each stage
  std::vector<std::int64_t> target_depths = {};  ///< of the target: which stage has which blocks of a residual network
  Precision precision = Precision::fp32;         ///< what blocks compute in
  Recompute recompute = Recompute::none;         ///< how they are trained; makes no other network

  std::int64_t num_stages() const { return static_cast<std::int64_t>(depths.size()); }
  std::int64_t num_blocks() const;
  /// Patches and the class token.
  std::int64_t num_tokens() const { return (image_size / patch) * (image_size / patch) + 1; }
  std::int64_t num_groups() const { return static_cast<std::int64_t>(widths.size()); }
  /// Height and width in pixels of what a residual network's blocks of a group pass on: each group but the first halves
  /// the image, rounding up.
  std::int64_t side_of_group(std::int64_t group) const {
    return (image_size + (std::int64_t{1} << group) - 1) >> group;
  }
};

/// The network to be had: every stage at full depth.
ModelSpec target_spec(const ModelConfig& config);
/// Every stage at the meta model's depth.
ModelSpec meta_spec(const ModelConfig& config);
/// The meta model with stage `stage_index` of the target.
ModelSpec hybrid_spec(const ModelConfig& config, std::int64_t stage_index);

/// What tells the networks of one configuration apart: the depth of each stage, such as "3,1,1,1"; of a residual
/// network its blocks of each group, such as "18+0+0,0+1+0,0+0+1", because a stage takes blocks from a part of the
/// target.
std::string depths_text(const ModelSpec& spec);

/// Floating-point operations of the forward pass of block `block` of stage `stage_index` on one image, a multiply-add
/// being two. Of a vision transformer: the products of the weights, 2 T D^2 (4 + 2 r), and those of attention, 4 T^2 D,
/// for T tokens, width D and MLP ratio r. Of a residual network: both convolutions, 2 S^2 9 C (C_in + C), for S x S
/// pixels and C channels behind the block.
double block_forward_flops(const ModelSpec& spec, std::int64_t stage_index, std::int64_t block);

/// The same for training on one image when stages `is_learning` learn: a block passed forward costs 1 unit, with its
/// activations' gradient 2, with its weights' gradient too 3. Blocks before the first learning stage only pass forward.
double block_training_flops(const ModelSpec& spec, const std::vector<bool>& is_learning);

}  // namespace incubate
