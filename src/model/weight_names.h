#pragma once

#include <string>

#include "config/exchange_config.h"
#include "model/spec.h"

namespace incubate {

/// The name that another program has for parameter `parameter` of stage `stage_index` of the network `spec`. timm's
/// VisionTransformer counts the blocks through all stages: blocks.7.attn.qkv.weight. Deep Incubation's reference has
/// them in stages: stages.1.blocks.4.attn.qkv.weight; embedding, class token and places in the first, norm and head in
/// the last, as here. Of a residual network timm's and torchvision's names, which count the blocks of each group from 0
/// through all stages: layer2.3.conv1.weight, beside conv1.weight, bn1.running_mean or fc.bias. REQUIRES: the format
/// has names for the network (see has_names()).
std::string weight_name(WeightFormat format, const ModelSpec& spec, std::int64_t stage_index,
                        const std::string& parameter);

/// The reference has vision transformers only.
bool has_names(WeightFormat format, const ModelSpec& spec);

}  // namespace incubate
