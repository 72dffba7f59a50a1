#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <torch/types.h>

#include "model/staged_model.h"

namespace incubate {

/// The place of a parameter or running statistic in the flat buffers.
struct FlatView {
  std::int64_t stage = 0;
  std::string name;  ///< within its stage
  std::int64_t offset = 0;
  std::vector<std::int64_t> shape;

  /// Returns this view's part of `buffer`, in its shape.
  torch::Tensor of(const torch::Tensor& buffer) const;
};

/// A half-open range of the flat buffers with one learning rate and one weight decay.
struct Segment {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool decays = true;
  std::int64_t layers_behind = 0;  ///< layers of the whole model behind the range; 0 for the head
};

/// The learning parameters of a model in one fp32 buffer and their gradients in another, ordered by (stage, layer,
/// decay). Batch norm statistics of learning stages follow: running ones the parameters, a micro-batch's the gradients.
/// So one copy or one sum covers each buffer. The model's parameters, gradients and statistics become views of the
/// buffers, each aligned to 64 bytes. Gaps stay 0.
class FlatParameters {
 public:
  /// Moves the values of the model's learning stages. REQUIRES: `device` is their device.
  FlatParameters(StagedModel& model, torch::Device device);

  /// Returns parameters, then running statistics.
  torch::Tensor& values() { return values_; }
  torch::Tensor& running_statistics() { return running_statistics_; }
  /// Returns what a micro-batch adds to a step: gradients, then batch statistics.
  torch::Tensor& addends() { return addends_; }
  torch::Tensor& gradients() { return gradients_; }
  torch::Tensor& batch_statistics() { return batch_statistics_; }
  /// Returns the number of values in one buffer.
  std::int64_t size() const { return values_.numel(); }
  /// Return the views of values(), or of its parameters alone.
  const std::vector<FlatView>& views() const { return views_; }
  std::span<const FlatView> parameter_views() const { return std::span(views_).first(num_parameter_views_); }
  /// Returns the model's parameters in the order of parameter_views().
  const std::vector<torch::Tensor>& parameters() const { return parameters_; }
  /// Returns the segments, which cover the parameters and gradients.
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
