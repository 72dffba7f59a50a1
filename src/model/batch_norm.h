#pragma once

#include <torch/nn/module.h>

namespace incubate {

/// Batch norm of images (Ioffe and Szegedy, ICML 2015). In training forward() normalises with the micro-batch's
/// statistics and leaves them in batch_mean() and batch_var(). In evaluation it normalises with the running statistics.
/// The Trainer updates those once a step, so they do not depend on which rank computes a micro-batch.
class BatchNorm : public torch::nn::Module {
 public:
  /// `epsilon` is added to the variance.
  BatchNorm(std::int64_t channels, double epsilon);

  /// Maps (batch, channels, height, width) to the same shape. REQUIRES: in training, more than one value a channel.
  torch::Tensor forward(const torch::Tensor& x_BCHW);

  // Shapes: (channels). Variances are unbiased: divided by the number of values less one.
  torch::Tensor& running_mean() { return running_mean_; }
  torch::Tensor& running_var() { return running_var_; }
  /// The statistics of the last micro-batch in training.
  torch::Tensor& batch_mean() { return batch_mean_; }
  torch::Tensor& batch_var() { return batch_var_; }

 private:
  double epsilon_;
  torch::Tensor weight_, bias_;
  torch::Tensor running_mean_, running_var_;
  torch::Tensor batch_mean_, batch_var_;
};

}  // namespace incubate
