#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <torch/types.h>

#include "model/staged_model.h"

namespace incubate {

/// Where a parameter or running statistic lives in the flat buffers.
struct FlatView {
  std::int64_t stage = 0;
  std::string name;  ///< within its stage
  std::int64_t offset = 0;
  std::vector<std::int64_t> shape;

  /// The part of `buffer` that belongs to it, in its shape.
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
/// decay), each followed by the statistics of batch norm in learning stages, if any: the running ones behind the
/// parameters, a micro-batch's behind the gradients. So each buffer is copied, or added up over micro-batches, as a
/// whole. The model's parameters, gradients and statistics become views into them, each aligned to 64 bytes; the gaps
/// stay 0.
class FlatParameters {
 public:
  /// Moves the values of the model's learning stages. REQUIRES: their device is `device`.
  FlatParameters(StagedModel& model, torch::Device device);

  /// Parameters, then running statistics.
  torch::Tensor& values() { return values_; }
  torch::Tensor& running_statistics() { return running_statistics_; }
  /// What a micro-batch adds to a step: gradients, then its statistics.
  torch::Tensor& addends() { return addends_; }
  torch::Tensor& gradients() { return gradients_; }
  torch::Tensor& batch_statistics() { return batch_statistics_; }
  /// Returns the number of values in either buffer.
  std::int64_t size() const { return values_.numel(); }
  /// All that is in values(), and the parameters alone.
  const std::vector<FlatView>& views() const { return views_; }
  std::span<const FlatView> parameter_views() const { return std::span(views_).first(num_parameter_views_); }
  /// The model's, as parameter_views() lists them.
  const std::vector<torch::Tensor>& parameters() const { return parameters_; }
  /// They cover the parameters and gradients.
  const std::vector<Segment>& segments() const { return segments_; }

 private:
  torch::Tensor values_, running_statistics_;
  torch::Tensor addends_, gradients_, batch_statistics_;
  std::vector<FlatView> views_;
  std::vector<torch::Tensor> parameters_;
  std::size_t num_parameter_views_ = 0;
  std::vector<Segment> segments_;
};

}  // namespace incubate
