#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/types.h>

#include "train/task.h"

namespace incubate {

/// A micro-batch's forward and backward pass on a GPU, recorded once as a CUDA graph and replayed from then on: one
/// launch instead of one for each kernel, of which a small network has more than the host can launch in time. Kernels
/// and results are the same. The graph keeps its memory to itself. REQUIRES: the passes always work on the same shapes
/// and wait for nothing.
class RecordedLoss {
 public:
  using Pass = std::function<Loss(const torch::Tensor& input, const Targets& targets)>;

  /// `pass` returns the loss, and leaves gradients where they always are.
  explicit RecordedLoss(Pass pass) : pass_(std::move(pass)) {}

  /// The loss, valid until the next call.
  Loss operator()(const torch::Tensor& input, const Targets& targets);
  /// False as long as calls launch every kernel, and wait for memory.
  bool is_recorded() const { return graph_ != nullptr; }

 private:
  void record();

  Pass pass_;
  // One for all that comes before a replay: PyTorch's allocator keeps freed memory for the stream that has used it.
  c10::cuda::CUDAStream stream_ = c10::cuda::getStreamFromPool();
  std::int64_t num_calls_ = 0;
  // What the graph reads and writes.
  torch::Tensor input_;
  Targets targets_;
  Loss loss_;
  std::unique_ptr<at::cuda::CUDAGraph> graph_;
};

}  // namespace incubate
