#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <torch/types.h>

#include "base/figures.h"
#include "config/run_config.h"
#include "data/sample_maker.h"
#include "model/head.h"
#include "model/spec.h"
#include "vision/dataset.h"

namespace incubate {

/// The right answers for a batch. The task decides which tensors these are; some may be undefined.
using Targets = std::vector<torch::Tensor>;

/// A batch on the device that computes.
struct DeviceBatch {
  torch::Tensor input;  ///< (size, channels, height, width) float
  Targets targets;
};

/// The loss of a micro-batch as a sum with a weight. Sums over micro-batches divide by what the weights come to.
struct Loss {
  torch::Tensor value;   ///< float, one value: the sum divided by nominal_weight(); the backward pass runs on it
  torch::Tensor weight;  ///< int64, one value: what the sum is over, such as images or labelled pixels
};

/// Exact sums over evaluated samples, whose number is the first: they add up over batches and ranks in any order.
using MetricSums = std::vector<std::int64_t>;

/// A class that a network finds in a sample.
struct ClassScore {
  std::int64_t label = 0;
  double probability = 0;
};

/// A task is what a network is trained for. Only the task knows what a target means. Everything above tasks/ sees this
/// interface alone.
class Task {
 public:
  virtual ~Task() = default;

  /// Returns what makes the samples of `split` from `dataset`, which must outlive it.
  virtual std::unique_ptr<const SampleMaker> make_samples(const Dataset& dataset, Split split) const = 0;
  /// Copies a batch of make_samples() to `device`. The tensors may share the memory of `batch`, which must outlive
  /// them. Does not wait for the GPU: it copies from batch_memory(), where the batch's values stay as they are.
  virtual DeviceBatch to_device(Batch& batch, torch::Device device) const = 0;

  /// Returns the head of the network `spec`, with undefined weights.
  virtual std::shared_ptr<Head> make_head(const ModelSpec& spec) const = 0;
  virtual HeadCost head_cost(const ModelSpec& spec) const = 0;

  /// Returns the weight of a micro-batch of `size` samples that all count in full.
  virtual std::int64_t nominal_weight(std::int64_t size) const = 0;
  /// Returns the loss of a micro-batch. `output` is the head's.
  virtual Loss loss(const torch::Tensor& output, const Targets& targets) const = 0;

  /// Lists the figures of an evaluation. They keep these names in files; the first one decides.
  virtual std::vector<MetricInfo> list_metrics() const = 0;
  /// Returns the sums over no sample.
  virtual MetricSums no_samples() const = 0;
  /// Adds an evaluation batch to `sums`.
  virtual void add_metrics(const torch::Tensor& output, const Targets& targets, MetricSums& sums) const = 0;
  /// Returns the figures by list_metrics(); all are infinity if an output was not finite. REQUIRES: sums are of a
  /// sample at least.
  virtual Figures metrics_of(const MetricSums& sums) const = 0;
  /// Adds an evaluation batch to `counts`, (classes, classes) int64 on the CPU: by true class and predicted class.
  virtual void add_confusion(const torch::Tensor& output, const Targets& targets, torch::Tensor& counts) const = 0;
  /// Returns the `count` likeliest classes of each sample, or all if there are fewer, the likeliest first.
  virtual std::vector<std::vector<ClassScore>> rank_classes(const torch::Tensor& output, std::int64_t count) const = 0;
};

/// Returns the task of a configuration, with the settings of `phase`.
std::unique_ptr<const Task> make_task(const RunConfig& config, Phase phase);

}  // namespace incubate
