#include "model/spec.h"

#include <numeric>

namespace incubate {

std::int64_t ModelSpec::num_blocks() const { return std::accumulate(depths.begin(), depths.end(), std::int64_t{0}); }

namespace {

ModelSpec spec_of(const ModelConfig& c, const std::vector<std::int64_t>& depths) {
  return {.image_size = c.image_size,
          .channels = c.channels,
          .classes = c.classes,
          .patch = c.patch,
          .width = c.width,
          .heads = c.heads,
          .mlp_ratio = c.mlp_ratio,
          .depths = depths,
          .qkv_bias = c.qkv_bias,
          .norm_eps = c.norm_eps,
          .layer_scale = c.layer_scale};
}

}  // namespace

ModelSpec target_spec(const ModelConfig& config) { return spec_of(config, config.depths); }
ModelSpec meta_spec(const ModelConfig& config) { return spec_of(config, config.meta_depths); }

ModelSpec hybrid_spec(const ModelConfig& config, std::int64_t stage_index) {
  ModelSpec spec = meta_spec(config);
  spec.depths.at(stage_index) = config.depths.at(stage_index);
  return spec;
}

double block_forward_flops(const ModelSpec& spec) {
  const auto tokens = static_cast<double>(spec.num_tokens());
  const auto width = static_cast<double>(spec.width);
  const auto ratio = static_cast<double>(spec.mlp_ratio);
  return (2 * tokens * width * width * (4 + (2 * ratio))) + (4 * tokens * tokens * width);
}

double block_training_flops(const ModelSpec& spec, const std::vector<bool>& is_learning) {
  std::int64_t passes = 0;
  bool has_gradient = false;
  for (std::size_t i = 0; i < spec.depths.size(); ++i) {
    has_gradient = has_gradient || is_learning[i];
    passes += spec.depths[i] * (is_learning[i] ? 3 : has_gradient ? 2 : 1);
  }
  return static_cast<double>(passes) * block_forward_flops(spec);
}

}  // namespace incubate
