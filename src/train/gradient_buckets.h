#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <torch/types.h>

#include "base/share.h"
#include "train/flat_parameters.h"

namespace incubate {

/// Reports during a backward pass which ranges of the flat gradients are complete, so that their sum over the ranks may
/// begin. Ranges come from the network's end to its beginning. The ranges and their order are the same in every pass
/// and on every rank, whatever stochastic depth drops.
class GradientBuckets {
 public:
  using OnReady = std::function<void(Share range)>;

  /// Each range except the last has at least `fewest_values`. `parameters` must outlive the buckets.
  GradientBuckets(FlatParameters& parameters, std::int64_t fewest_values, OnReady on_ready);
  ~GradientBuckets();
  GradientBuckets(const GradientBuckets&) = delete;
  GradientBuckets& operator=(const GradientBuckets&) = delete;

  /// Reports the ranges of the next backward pass.
  void arm();
  /// Ends the pass: reports the remaining ranges, whose parameters had no gradient.
  void finish();

 private:
  struct Bucket {
    Share range;
    std::size_t num_parameters = 0;
    std::size_t num_left = 0;
  };
  struct Parameter {
    std::size_t bucket = 0;
    std::shared_ptr<torch::autograd::Node> accumulator;
    std::uintptr_t hook = 0;
    bool is_complete = false;
  };

  void on_gradient(Parameter& parameter);
  void tell_ready();

  OnReady on_ready_;
  std::vector<Bucket> buckets_;
  std::vector<Parameter> parameters_;
  std::size_t next_ = 0;  // of the next range to report
  bool is_armed_ = false;
};

}  // namespace incubate
