#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/setting.h"

namespace incubate {

/// Kinds of networks: vision transformers; residual networks for small images (see model/resnet_stage.h).
enum class Family { vit, resnet };

/// The settings that all networks of a configuration share. A setting of the other family has no effect. The defaults
/// are ViT-B/16.
struct NetworkConfig {
  Family family = Family::vit;
  std::int64_t image_size = 224;
  std::int64_t channels = 3;
  std::int64_t classes = 1000;
  std::int64_t patch = 16;
  std::int64_t width = 768;
  std::int64_t heads = 12;
  std::int64_t mlp_ratio = 4;
  bool qkv_bias = true;
  double norm_eps = 1e-6;
  double layer_scale = 0;                           // first value of the branches' factors; 0: they have none
  std::vector<std::int64_t> widths = {16, 32, 64};  // of the groups of a residual network
  std::int64_t group_depth = 18;                    // blocks of each group of the target
};

/// The section [model]: the target network, cut into stages, and how deep the meta model's stages are.
struct ModelConfig : NetworkConfig {
  std::vector<std::int64_t> depths = {3, 3, 3, 3};       // blocks of each stage of the target
  std::vector<std::int64_t> meta_depths = {1, 1, 1, 1};  // blocks of each stage of the meta model
  std::string preset = "custom";

  std::int64_t num_stages() const { return static_cast<std::int64_t>(depths.size()); }
};

/// Networks known by name, in four equal stages, resnet110 in three; first "custom", which is none.
/// Networks: Dosovitskiy et al., ICLR 2021 (vit; the number at the end is the side of the image if not 224); Touvron et
/// al., ICML 2021 (deit_ti, deit_s); Ni et al., ICCV 2023 (deit_t32, deit_t128 on CIFAR-100; vit_h14 without the bias
/// of queries, keys and values, and the epsilon); He et al., CVPR 2016, section 4.2 (resnet110, here with the 100
/// classes of CIFAR-100).
const std::vector<std::pair<std::string_view, ModelConfig>>& list_presets();

/// Sets every setting of `config` to that of the network `preset`; "custom" leaves them. REQUIRES: there is one of this
/// name.
void apply_preset(std::string_view preset, ModelConfig& config);

/// The settings of [model], the preset first. `config` must outlive the result.
std::vector<Setting> list_settings(ModelConfig& config);

}  // namespace incubate
