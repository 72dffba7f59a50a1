#include "model/gpu_activations.h"

#include <stdexcept>

namespace incubate {

GpuActivations gpu_activations(const ModelSpec& spec, std::int64_t stage_index, StageUse use) {
  switch (spec.family) {
    case Family::vit:
      return vit_gpu_activations(spec, stage_index, use);
    case Family::resnet:
      return resnet_gpu_activations(spec, stage_index, use);
  }
  throw std::logic_error("unknown family");
}

}  // namespace incubate
