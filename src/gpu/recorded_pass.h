#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <c10/core/Stream.h>
#include <torch/types.h>

namespace at::cuda {
struct CUDAGraph;
}

namespace incubate {

/// Records a function from tensors to tensors on a GPU, such as a micro-batch's forward and backward pass, as a CUDA
/// graph and replays it. A replay is one launch instead of one a kernel: a small network has more kernels than the host
/// can launch in time. Kernels and results are the same. The graph keeps its memory. REQUIRES: the function always has
/// the same shapes and the same undefined inputs, and never waits.
class RecordedPass {
 public:
  using Tensors = std::vector<torch::Tensor>;
  using Pass = std::function<Tensors(const Tensors& inputs)>;

  /// Side effects of `pass`, such as gradients, always go to the same memory.
  explicit RecordedPass(Pass pass);

  /// Returns the results, without a gradient. They are valid until the next call.
  Tensors operator()(const Tensors& inputs);
  /// False during the first calls, which launch every kernel and may wait for memory.
  bool is_recorded() const { return graph_ != nullptr; }

 private:
  void record();

  Pass pass_;
  // All calls before the replay use one stream: PyTorch's allocator keeps freed memory for the stream that used it.
  std::optional<c10::Stream> stream_;
  std::int64_t num_calls_ = 0;
  // The graph reads and writes these.
  Tensors inputs_;
  Tensors results_;
  std::shared_ptr<at::cuda::CUDAGraph> graph_;
};

}  // namespace incubate
