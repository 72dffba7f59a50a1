#include "method/timm_config.h"

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/version.h"
#include "tasks/task.h"
#include "vision/augmentation.h"

namespace incubate {
namespace {

using Json = nlohmann::ordered_json;

/// timm takes an epsilon only by the name of a network that has it. These have all else by arguments.
const char* architecture_of(const ModelSpec& spec) {
  if (spec.family == Family::resnet) return "incubate_resnet";
  check_input(spec.norm_eps == 1e-6 || spec.norm_eps == 1e-5,
              "model.norm_eps={} has no network in timm, whose config.json can say 1e-6 and 1e-5 only. Export a file "
              "(--output=F.safetensors), and give timm norm_layer=partial(LayerNorm, eps={}).",
              spec.norm_eps, spec.norm_eps);
  return spec.norm_eps == 1e-6 ? "vit_base_patch16_224" : "vit_base_patch16_clip_224";
}

Json arguments_of(const ModelSpec& spec) {
  if (spec.family == Family::resnet) {
    return {{"widths", spec.widths}, {"channels", spec.channels}, {"classes", spec.classes}};
  }
  Json arguments = {{"img_size", spec.image_size}, {"patch_size", spec.patch},   {"in_chans", spec.channels},
                    {"embed_dim", spec.width},     {"depth", spec.num_blocks()}, {"num_heads", spec.heads},
                    {"mlp_ratio", spec.mlp_ratio}, {"qkv_bias", spec.qkv_bias},  {"pre_norm", false}};
  if (spec.layer_scale > 0) arguments["init_values"] = spec.layer_scale;
  return arguments;
}

}  // namespace

std::string timm_config(const Training& training, const RunConfig& config, const Figures& figures) {
  const ModelSpec& spec = training.spec;
  const std::optional<EvaluationCrop> crop = make_evaluation_crop(config, training.phase);
  const bool is_vit = spec.family == Family::vit;
  Json metrics = Json::object();
  for (const MetricInfo& metric : make_task(config, training.phase)->list_metrics()) {
    if (figures.contains(metric.name)) metrics[metric.name] = figures.at(metric.name);
  }
  Json json = {{"architecture", architecture_of(spec)},
               {"num_classes", spec.classes},
               {"model_args", arguments_of(spec)},
               {"pretrained_cfg",
                {{"input_size", {spec.channels, spec.image_size, spec.image_size}},
                 {"fixed_input_size", is_vit},
                 {"interpolation", "bicubic"},
                 {"crop_pct", crop ? crop->fraction : 1.0},
                 {"crop_mode", "center"},
                 {"mean", config.data.mean},
                 {"std", config.data.std},
                 {"num_classes", spec.classes},
                 {"first_conv", is_vit ? "patch_embed.proj" : "conv1"},
                 {"classifier", is_vit ? "head" : "fc"}}},
               {"incubate",
                {{"training", training.name},
                 {"identity", training.identity},
                 {"git_sha1", kGitSha1},
                 {"data_digest", training.data.digest},
                 {"validation", metrics}}}};
  if (is_vit) json["num_features"] = spec.width;
  json["label_names"] = training.data.class_names;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace incubate
