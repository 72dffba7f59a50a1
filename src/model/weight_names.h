#pragma once

#include <string>

#include "config/exchange_config.h"
#include "model/spec.h"

namespace incubate {

/// Returns the name that another program has for parameter `parameter` of stage `stage_index` of the network `spec`.
/// timm's VisionTransformer counts blocks through all stages: blocks.7.attn.qkv.weight. Deep Incubation's reference has
/// stages: stages.1.blocks.4.attn.qkv.weight; it divides the tensors among stages as this program does. Residual
/// networks have timm's and torchvision's names, which count the blocks of each group from 0: layer2.3.conv1.weight,
/// conv1.weight, bn1.running_mean, fc.bias. REQUIRES: the format has names for the network (see has_names()).
std::string weight_name(WeightFormat format, const ModelSpec& spec, std::int64_t stage_index,
                        const std::string& parameter);

/// The reference has names for vision transformers only.
bool has_names(WeightFormat format, const ModelSpec& spec);

}  // namespace incubate
