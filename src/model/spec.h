#pragma once

#include <cstdint>
#include <vector>

#include "config/run_config.h"

namespace incubate {

/// What a network is. Target, meta and hybrid models differ only in the depth of each stage.
struct ModelSpec {
  std::int64_t image_size = 0;
  std::int64_t channels = 0;
  std::int64_t classes = 0;
  std::int64_t patch = 0;
  std::int64_t width = 0;
  std::int64_t heads = 0;
  std::int64_t mlp_ratio = 0;
  std::vector<std::int64_t> depths;  ///< blocks of each stage
  bool qkv_bias = true;
  double norm_eps = 1e-6;
  double layer_scale = 0;  ///< first value of the branches' factors; 0: they have none

  std::int64_t num_stages() const { return static_cast<std::int64_t>(depths.size()); }
  std::int64_t num_blocks() const;
  /// Patches and the class token.
  std::int64_t num_tokens() const { return (image_size / patch) * (image_size / patch) + 1; }
};

/// The network to be had: every stage at full depth.
ModelSpec target_spec(const ModelConfig& config);
/// Every stage at the meta model's depth.
ModelSpec meta_spec(const ModelConfig& config);
/// The meta model with stage `stage_index` of the target.
ModelSpec hybrid_spec(const ModelConfig& config, std::int64_t stage_index);

/// Floating-point operations of one block's forward pass on one image, a multiply-add being two: the products of the
/// weights, 2 T D^2 (4 + 2 r), and those of attention, 4 T^2 D, for T tokens, width D and MLP ratio r.
double block_forward_flops(const ModelSpec& spec);

/// The same for training on one image when stages `is_learning` learn: a block passed forward costs 1 unit, with its
/// activations' gradient 2, with its weights' gradient too 3. Blocks before the first learning stage only pass forward.
double block_training_flops(const ModelSpec& spec, const std::vector<bool>& is_learning);

}  // namespace incubate
