#pragma once

#include <cstdint>
#include <vector>

#include <torch/nn/module.h>

#include "config/run_config.h"
#include "model/parameter_info.h"

namespace incubate {

/// The features that a head needs. The stages compute nothing else: for a summary alone, the last block of a vision
/// transformer makes only the class token.
struct FeatureRequest {
  bool summary = true;
  std::vector<std::int64_t> map_stages = {};  ///< ascending; a map is the output of such a stage
};

/// The stages' output for a head.
struct Features {
  torch::Tensor summary;                 ///< (batch, width): the normed class token, or the mean over the pixels
  std::vector<torch::Tensor> maps = {};  ///< (batch, width, height, width in pixels), in the order of the request
};

/// The end of a network: maps features to the outputs that a task needs. A head belongs to the last stage and learns if
/// that stage learns. Its parameters follow those of the stage in files and in the flat buffers.
class Head : public torch::nn::Module {
 public:
  virtual FeatureRequest request() const = 0;
  virtual torch::Tensor forward(const Features& features) = 0;
  /// Returns the parameters with their names within the last stage, such as "head.weight". Layers are 0.
  virtual std::vector<ParameterInfo> list_parameters() = 0;
  /// Returns all tensors that a file holds of the head.
  std::vector<NamedTensor> list_state() {
    std::vector<NamedTensor> state;
    for (const ParameterInfo& parameter : list_parameters()) state.push_back({parameter.name, parameter.tensor});
    return state;
  }
  /// Sets random first weights, addressed by (seed, phase, last stage, name).
  virtual void initialise(std::uint64_t seed, Phase phase, std::int64_t last_stage) = 0;
};

/// Costs of a head, by formula. Bytes are those of one image, in fp32.
struct HeadCost {
  std::int64_t num_parameters = 0;
  std::int64_t kept_bytes = 0;         ///< for its backward pass if it learns
  std::int64_t frozen_kept_bytes = 0;  ///< the same if it is frozen behind a learning stage
};

}  // namespace incubate
