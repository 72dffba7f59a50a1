#include "train/gradient_buckets.h"

#include <utility>

#include <torch/csrc/autograd/utils/lambda_post_hook.h>
#include <torch/csrc/autograd/variable.h>

namespace incubate {

GradientBuckets::GradientBuckets(FlatParameters& parameters, std::int64_t fewest_values, OnReady on_ready)
    : on_ready_(std::move(on_ready)) {
  const std::span<const FlatView> views = parameters.parameter_views();
  parameters_.reserve(views.size());  // hooks hold references
  std::int64_t end = parameters.gradients().numel();
  for (std::size_t i = views.size(); i-- > 0;) {
    if (buckets_.empty() || buckets_.back().range.size() >= fewest_values) buckets_.push_back({.range = {end, end}});
    Bucket& bucket = buckets_.back();
    bucket.range.begin = end = views[i].offset;
    ++bucket.num_parameters;
    Parameter& parameter = parameters_.emplace_back();
    parameter.bucket = buckets_.size() - 1;
    parameter.accumulator = torch::autograd::impl::grad_accumulator(parameters.parameters()[i]);
    parameter.hook = parameter.accumulator->add_post_hook(std::make_unique<torch::autograd::utils::LambdaPostHook>(
        [this, &parameter](const torch::autograd::variable_list& outputs, const torch::autograd::variable_list&) {
          on_gradient(parameter);
          return outputs;
        }));
  }
}

GradientBuckets::~GradientBuckets() {
  for (const Parameter& parameter : parameters_) parameter.accumulator->del_post_hook(parameter.hook);
}

void GradientBuckets::arm() {
  for (Bucket& bucket : buckets_) bucket.num_left = bucket.num_parameters;
  for (Parameter& parameter : parameters_) parameter.is_complete = false;
  next_ = 0;
  is_armed_ = true;
}

/// With recomputed blocks a parameter may call this twice, the second time without a gradient.
void GradientBuckets::on_gradient(Parameter& parameter) {
  if (!is_armed_ || parameter.is_complete) return;
  parameter.is_complete = true;
  --buckets_[parameter.bucket].num_left;
  tell_ready();
}

void GradientBuckets::tell_ready() {
  for (; next_ < buckets_.size() && buckets_[next_].num_left == 0; ++next_) on_ready_(buckets_[next_].range);
}

void GradientBuckets::finish() {
  for (Bucket& bucket : buckets_) bucket.num_left = 0;
  tell_ready();
  is_armed_ = false;
}

}  // namespace incubate
