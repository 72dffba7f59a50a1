#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torch/types.h>

#include "model/staged_model.h"

namespace incubate {

/// Where a parameter lives in the flat buffers.
struct FlatView {
  std::int64_t stage = 0;
  std::string name;  ///< within its stage
  std::int64_t offset = 0;
  std::vector<std::int64_t> shape;

  /// The part of `buffer` that belongs to this parameter, in its shape.
  torch::Tensor of(const torch::Tensor& buffer) const;
};

/// A half-open range of the flat buffers that the optimizer treats alike.
struct Segment {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool decays = true;
  std::int64_t layers_behind = 0;  ///< layers of the whole model between this one and the output: 0 for the head
};

/// The learning parameters of a model in one fp32 buffer and their gradients in another, ordered by (stage, layer,
/// decay). The model's parameters and their gradients become views into them, each aligned to 64 bytes; the gaps stay
/// 0.
class FlatParameters {
 public:
  /// Moves the values of the model's learning parameters. REQUIRES: their device is `device`.
  FlatParameters(StagedModel& model, torch::Device device);

  torch::Tensor& values() { return values_; }
  torch::Tensor& gradients() { return gradients_; }
  std::int64_t size() const { return values_.numel(); }
  const std::vector<FlatView>& views() const { return views_; }
  const std::vector<Segment>& segments() const { return segments_; }

 private:
  torch::Tensor values_;
  torch::Tensor gradients_;
  std::vector<FlatView> views_;
  std::vector<Segment> segments_;
};

}  // namespace incubate
