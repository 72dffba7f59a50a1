#pragma once

#include <string>

#include "config/exchange_config.h"
#include "model/spec.h"

namespace incubate {

/// The name that another program has for parameter `parameter` of stage `stage_index` of the network `spec`. timm's
/// VisionTransformer counts the blocks through all stages: blocks.7.attn.qkv.weight. Deep Incubation's reference has
/// them in stages: stages.1.blocks.4.attn.qkv.weight; embedding, class token and places in the first, norm and head in
/// the last, as here.
std::string weight_name(WeightFormat format, const ModelSpec& spec, std::int64_t stage_index,
                        const std::string& parameter);

}  // namespace incubate
