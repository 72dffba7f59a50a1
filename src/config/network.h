#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/setting.h"

namespace incubate {

/// Kinds of networks: vision transformers, or residual networks for small images (see model/resnet_stage.h).
enum class Family { vit, resnet };

/// The settings that all networks of a configuration share. Settings of the other family have no effect. The defaults
/// are ViT-B/16.
struct NetworkConfig {
  Family family = Family::vit;
  std::int64_t image_size = 224;
  std::int64_t channels = 3;
  std::int64_t classes = 1000;
  std::int64_t patch = 16;
  std::int64_t width = 768;
  std::int64_t heads = 12;
  double mlp_ratio = 4;
  bool qkv_bias = true;
  double norm_eps = 1e-6;
  double layer_scale = 0;                           // initial factor of the branches; 0: no LayerScale
  std::vector<std::int64_t> widths = {16, 32, 64};  // channels of the groups of a residual network
  std::int64_t group_depth = 18;                    // blocks in each group of the target

  /// Returns the hidden width of a vision transformer's MLP, rounded down as in timm.
  std::int64_t hidden() const { return static_cast<std::int64_t>(static_cast<double>(width) * mlp_ratio); }
};

/// The section [model]: the target network in stages, and the depths of the meta model.
struct ModelConfig : NetworkConfig {
  std::vector<std::int64_t> depths = {3, 3, 3, 3};       // blocks of each stage of the target
  std::vector<std::int64_t> meta_depths = {1, 1, 1, 1};  // blocks of each stage of the meta model
  std::string preset = "custom";

  std::int64_t num_stages() const { return static_cast<std::int64_t>(depths.size()); }
};

/// Returns the networks known by name, in four equal stages (resnet110: three). The first is "custom", which is no
/// network. Sources:
///   Dosovitskiy et al., ICLR 2021: vit; the number at the end is the image's side if not 224.
///   Touvron et al., ICML 2021: deit_ti, deit_s.
///   timm 1.0: names such as vit_small_patch16_224; Zhai et al., CVPR 2022 (table 2): giant and gigantic.
///   Ni et al., ICCV 2023: deit_t32, deit_t128 on CIFAR-100; vit_h14's epsilon and missing bias of q, k and v.
///   He et al., CVPR 2016, section 4.2: resnet110, here with the 100 classes of CIFAR-100.
const std::vector<std::pair<std::string_view, ModelConfig>>& list_presets();

/// Sets every setting of `config` to that of the network `preset`; "custom" changes nothing. REQUIRES: the name exists.
void apply_preset(std::string_view preset, ModelConfig& config);

/// Returns the settings of [model], the preset first. `config` must outlive them.
std::vector<Setting> list_settings(ModelConfig& config);

}  // namespace incubate
