#pragma once

#include "config/setting.h"

namespace incubate {

struct ModelConfig;

/// Networks known by name. `custom` is none: every setting is given or a default.
enum class ModelPreset {
  custom,
  vit_b16,
  vit_l16,
  vit_h14,
  vit_b16_384,
  vit_l16_384,
  vit_h14_392,
  deit_ti,
  deit_s,
  deit_t32,
  deit_t128,
  resnet110
};
const EnumNames<ModelPreset>& model_preset_names();

/// Sets every setting of `config` to that of the network `preset`, in four equal stages, resnet110 in three; `custom`
/// leaves them.
/// Networks: Dosovitskiy et al., ICLR 2021 (vit; the number at the end is the side of
/// the image if not 224); Touvron et al., ICML 2021 (deit_ti, deit_s); Ni et al., ICCV 2023
/// (deit_t32, deit_t128 on CIFAR-100; vit_h14 without the bias of queries, keys and values, and the epsilon); He et
/// al., CVPR 2016, section 4.2 (resnet110, here with the 100 classes of CIFAR-100).
void apply_preset(ModelPreset preset, ModelConfig& config);

}  // namespace incubate
