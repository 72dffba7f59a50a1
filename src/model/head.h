#pragma once

#include <cstdint>
#include <vector>

#include <torch/nn/module.h>

#include "config/run_config.h"
#include "model/parameter_info.h"

namespace incubate {

/// What a head asks of the stages before it. They compute nothing else: for a summary alone, the last block of a vision
/// transformer makes the class token only.
struct FeatureRequest {
  bool summary = true;
  std::vector<std::int64_t> map_stages = {};  ///< stages behind which a map is taken, ascending
};

/// The stages' output for a head.
struct Features {
  torch::Tensor summary;            ///< (batch, width): the normed class token, or the mean over the pixels
  std::vector<torch::Tensor> maps;  ///< (batch, width, height, width in pixels), in the order of the request
};

/// The end of a network: maps features to the outputs that a task asks for. A head belongs to the last stage: it learns
/// where that stage learns, and its parameters stand behind those of the stage in files and in the flat buffers.
class Head : public torch::nn::Module {
 public:
  virtual FeatureRequest request() const = 0;
  virtual torch::Tensor forward(const Features& features) = 0;
  /// Names are those within the last stage, such as "head.weight"; layers are left at 0.
  virtual std::vector<ParameterInfo> list_parameters() = 0;
  /// All that a file holds of the head.
  std::vector<NamedTensor> list_state();
  /// Random first weights, addressed by (seed, phase, last stage, name).
  virtual void initialise(std::uint64_t seed, Phase phase, std::int64_t last_stage) = 0;
};

/// Costs of a head, by formula. Bytes are those of one image, in fp32.
struct HeadCost {
  std::int64_t num_parameters = 0;
  std::int64_t kept_bytes = 0;         ///< kept for its backward pass if it learns
  std::int64_t frozen_kept_bytes = 0;  ///< the same if it is frozen behind a learning stage
};

}  // namespace incubate
