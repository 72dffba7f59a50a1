#pragma once

#include <torch/nn/module.h>

namespace incubate {

/// Batch norm of images (Ioffe and Szegedy, ICML 2015). In training it normalises with the statistics of the
/// micro-batch that it sees and leaves them where they can be read; its running statistics, which it normalises with in
/// evaluation, are for others to move (see Trainer), so that they depend on whole steps and not on who passed which
/// micro-batch.
class BatchNorm : public torch::nn::Module {
 public:
  /// `epsilon` is added to the variance.
  BatchNorm(std::int64_t channels, double epsilon);

  /// (batch, channels, height, width) to the same. REQUIRES: in training more than one value a channel.
  torch::Tensor forward(const torch::Tensor& x_BCHW);

  // Each (channels); variances are unbiased: they are divided by the number of values less one.
  torch::Tensor& running_mean() { return running_mean_; }
  torch::Tensor& running_var() { return running_var_; }
  /// Of the micro-batch that passed last in training.
  torch::Tensor& batch_mean() { return batch_mean_; }
  torch::Tensor& batch_var() { return batch_var_; }

 private:
  double epsilon_;
  torch::Tensor weight_, bias_;
  torch::Tensor running_mean_, running_var_;
  torch::Tensor batch_mean_, batch_var_;
};

}  // namespace incubate
