#include "config/model_preset.h"

#include <stdexcept>

#include "config/run_config.h"

namespace incubate {
namespace {

ModelConfig at_side(std::int64_t image_size, ModelConfig config) {
  config.image_size = image_size;
  return config;
}

ModelConfig preset_config(ModelPreset preset) {
  switch (preset) {
    case ModelPreset::custom:
      break;
    case ModelPreset::vit_b16:
      return {};
    case ModelPreset::vit_l16:
      return {.width = 1024, .heads = 16, .depths = {6, 6, 6, 6}};
    case ModelPreset::vit_h14:
      return {.patch = 14, .width = 1280, .heads = 16, .qkv_bias = false, .norm_eps = 1e-5, .depths = {8, 8, 8, 8}};
    case ModelPreset::vit_b16_384:
      return at_side(384, preset_config(ModelPreset::vit_b16));
    case ModelPreset::vit_l16_384:
      return at_side(384, preset_config(ModelPreset::vit_l16));
    case ModelPreset::vit_h14_392:
      return at_side(392, preset_config(ModelPreset::vit_h14));
    case ModelPreset::deit_ti:
      return {.width = 192, .heads = 3};
    case ModelPreset::deit_s:
      return {.width = 384, .heads = 6};
    case ModelPreset::deit_t32:
      return {.image_size = 32, .classes = 100, .patch = 4, .width = 192, .heads = 3, .depths = {8, 8, 8, 8}};
    case ModelPreset::deit_t128:
      return {.image_size = 32, .classes = 100, .patch = 4, .width = 192, .heads = 3, .depths = {32, 32, 32, 32}};
    case ModelPreset::resnet110:
      return {.family = Family::resnet,
              .image_size = 32,
              .classes = 100,
              .norm_eps = 1e-5,
              .widths = {16, 32, 64},
              .group_depth = 18,
              .depths = {18, 18, 18},
              .meta_depths = {1, 1, 1}};
  }
  throw std::logic_error("no network");
}

}  // namespace

const EnumNames<ModelPreset>& model_preset_names() {
  static const EnumNames<ModelPreset> names = {
      {ModelPreset::custom, "custom"},           {ModelPreset::vit_b16, "vit_b16"},
      {ModelPreset::vit_l16, "vit_l16"},         {ModelPreset::vit_h14, "vit_h14"},
      {ModelPreset::vit_b16_384, "vit_b16_384"}, {ModelPreset::vit_l16_384, "vit_l16_384"},
      {ModelPreset::vit_h14_392, "vit_h14_392"}, {ModelPreset::deit_ti, "deit_ti"},
      {ModelPreset::deit_s, "deit_s"},           {ModelPreset::deit_t32, "deit_t32"},
      {ModelPreset::deit_t128, "deit_t128"},     {ModelPreset::resnet110, "resnet110"}};
  return names;
}

void apply_preset(ModelPreset preset, ModelConfig& config) {
  if (preset != ModelPreset::custom) config = preset_config(preset);
  config.preset = preset;
}

}  // namespace incubate
