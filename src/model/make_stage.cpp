#include <stdexcept>

#include "model/resnet_stage.h"
#include "model/vit_stage.h"

namespace incubate {

std::shared_ptr<Stage> make_stage(const ModelSpec& spec, std::int64_t stage_index, const FeatureRequest& request) {
  switch (spec.family) {
    case Family::vit:
      return std::make_shared<VitStage>(spec, stage_index, request);
    case Family::resnet:
      return std::make_shared<ResnetStage>(spec, stage_index);
  }
  throw std::logic_error("unknown family");
}

}  // namespace incubate
