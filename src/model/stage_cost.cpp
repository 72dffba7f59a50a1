#include "model/stage_cost.h"

#include <stdexcept>

namespace incubate {

StageCost stage_cost(const ModelSpec& spec, std::int64_t stage_index) {
  switch (spec.family) {
    case Family::vit:
      return vit_stage_cost(spec, stage_index);
    case Family::resnet:
      return resnet_stage_cost(spec, stage_index);
  }
  throw std::logic_error("unknown family");
}

StageActivations stage_activations(const ModelSpec& spec, std::int64_t stage_index, StageUse use) {
  switch (spec.family) {
    case Family::vit:
      return vit_stage_activations(spec, stage_index, use);
    case Family::resnet:
      return resnet_stage_activations(spec, stage_index, use);
  }
  throw std::logic_error("unknown family");
}

}  // namespace incubate
