#include "config/network.h"

#include <algorithm>
#include <stdexcept>

namespace incubate {
namespace {

using Networks = std::vector<std::pair<std::string_view, ModelConfig>>;

/// Returns the setting that sets the whole model. It comes first, so that other settings override it.
Setting preset_setting(ModelConfig& c, const std::vector<Setting>& model) {
  EnumNames<std::string> words;
  std::string names;
  for (const auto& [name, network] : list_presets()) {
    words.emplace_back(name, name);
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  Setting setting =
      make_enum_setting("model.preset", c.preset, words, Kind::operation,
                        "a network whose settings are the defaults of those below; custom: none. One of " + names);
  setting.unit = "name";  // a list of all names would be too long
  setting.set = [set = setting.set, &c](const std::string& text) {
    set(text);
    apply_preset(c.preset, c);
  };
  setting.is_preset = true;
  for (const Setting& part : model) setting.heirs.push_back(part.name);
  return setting;
}

Networks make_presets() {
  using Depths = std::vector<std::int64_t>;
  Networks networks;
  const auto add = [&networks](std::string_view name, const NetworkConfig& network, const Depths& depths = {3, 3, 3, 3},
                               const Depths& meta_depths = {1, 1, 1, 1}) {
    networks.emplace_back(name, ModelConfig{network, depths, meta_depths, std::string(name)});
    if (name.ends_with("_384")) networks.back().second.image_size = 384;
    if (name.ends_with("_392")) networks.back().second.image_size = 392;
  };
  const NetworkConfig vit_l16{.width = 1024, .heads = 16};
  const NetworkConfig vit_h14{.patch = 14, .width = 1280, .heads = 16, .qkv_bias = false, .norm_eps = 1e-5};
  const NetworkConfig deit_t{.image_size = 32, .classes = 100, .patch = 4, .width = 192, .heads = 3};
  add("custom", {});
  add("vit_b16", {});
  add("vit_l16", vit_l16, {6, 6, 6, 6});
  add("vit_h14", vit_h14, {8, 8, 8, 8});
  add("vit_b16_384", {});
  add("vit_l16_384", vit_l16, {6, 6, 6, 6});
  add("vit_h14_392", vit_h14, {8, 8, 8, 8});
  add("deit_ti", {.width = 192, .heads = 3});
  add("deit_s", {.width = 384, .heads = 6});
  add("deit_t32", deit_t, {8, 8, 8, 8});
  add("deit_t128", deit_t, {32, 32, 32, 32});
  const NetworkConfig giant{.patch = 14, .width = 1408, .heads = 16, .mlp_ratio = 48.0 / 11};
  const NetworkConfig gigantic{.patch = 14, .width = 1664, .heads = 16, .mlp_ratio = 64.0 / 13};
  add("vit_tiny_patch16_224", {.width = 192, .heads = 3});
  add("vit_small_patch16_224", {.width = 384, .heads = 6});
  add("vit_base_patch16_224", {});
  add("vit_base_patch16_384", {});
  add("vit_large_patch16_224", vit_l16, {6, 6, 6, 6});
  add("vit_large_patch16_384", vit_l16, {6, 6, 6, 6});
  add("vit_huge_patch14_224", {.patch = 14, .width = 1280, .heads = 16}, {8, 8, 8, 8});
  add("vit_giant_patch14_224", giant, {10, 10, 10, 10});
  add("vit_gigantic_patch14_224", gigantic, {12, 12, 12, 12});
  add("deit_tiny_patch16_224", {.width = 192, .heads = 3});
  add("deit_small_patch16_224", {.width = 384, .heads = 6});
  add("deit_base_patch16_224", {});
  add("resnet110", {.family = Family::resnet, .image_size = 32, .classes = 100, .norm_eps = 1e-5}, {18, 18, 18},
      {1, 1, 1});
  return networks;
}

}  // namespace

const Networks& list_presets() {
  static const Networks networks = make_presets();
  return networks;
}

void apply_preset(std::string_view preset, ModelConfig& config) {
  const auto found = std::ranges::find(list_presets(), preset, &Networks::value_type::first);
  if (found == list_presets().end()) throw std::logic_error("no network of this name");
  if (preset != "custom") config = found->second;
  config.preset = preset;
}

std::vector<Setting> list_settings(ModelConfig& c) {
  const bool is_vit = c.family == Family::vit;
  SectionSettings s("model");
  s.result("family", c.family, {"vit", "resnet"},
           "kind of network; settings of the other kind, named below, have no effect");
  s.result("image_size", c.image_size, "pixels",
           "height and width of an image; left out: data.file's, if crop is not resized", kCount);
  s.result("channels", c.channels, "", "channels of an image; left out: data.file's", kCount);
  s.result("classes", c.classes, "", "classes to tell apart; left out: data.file's",
           {.least = 2, .most = kCount.most, .reason = "one class leaves nothing to tell apart"});
  s.result("patch", c.patch, "pixels", "ViT: side of a patch; divides image_size", kCount).is_idle = !is_vit;
  s.result("width", c.width, "", "ViT: embedding dimension", kCount).is_idle = !is_vit;
  s.result("heads", c.heads, "", "ViT: attention heads; divides width", kCount).is_idle = !is_vit;
  s.result("mlp_ratio", c.mlp_ratio, "", "ViT: hidden width of the MLP over width",
           {.least = 0, .is_open = true, .most = 1e3, .reason = "an MLP has a hidden layer", .example = "4"})
      .is_idle = !is_vit;
  s.result("qkv_bias", c.qkv_bias, "true|false", "ViT: whether queries, keys and values have a bias").is_idle = !is_vit;
  s.result("norm_eps", c.norm_eps, "", "LayerNorm or batch norm: added to the variance",
           {.least = 0, .is_open = true, .most = 1, .reason = "it keeps the division finite", .example = "1e-6"});
  s.result("layer_scale", c.layer_scale, "",
           "ViT: first value of a factor that each branch learns for each of its outputs, as in CaiT; 0: no factors",
           {.least = 0, .most = 1e3, .reason = "0: no factors", .example = "1e-4"})
      .is_idle = !is_vit;
  s.result("widths", c.widths, "channels",
           "ResNet: width of each group of blocks; a group halves the image of the one before", kCount)
      .is_idle = is_vit;
  s.result("group_depth", c.group_depth, "blocks",
           "ResNet: depth of each group; all groups together are as deep as all stages", kCount)
      .is_idle = is_vit;
  s.result("depths", c.depths, "blocks", "depth of each stage of the target network", kCount);
  s.result("meta_depths", c.meta_depths, "blocks", "depth of each stage of the meta model", kCount);
  std::vector<Setting> list = s.take();
  list.insert(list.begin(), preset_setting(c, list));
  return list;
}

}  // namespace incubate
