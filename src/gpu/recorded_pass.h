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

/// A function from tensors to tensors on a GPU, such as a micro-batch's forward and backward pass, recorded once as a
/// CUDA graph and replayed from then on: one launch instead of one for each kernel, of which a small network has more
/// than the host can launch in time. Kernels and results are the same. The graph keeps its memory to itself. REQUIRES:
/// the function always works on the same shapes, with the same inputs undefined, and waits for nothing.
class RecordedPass {
 public:
  using Tensors = std::vector<torch::Tensor>;
  using Pass = std::function<Tensors(const Tensors& inputs)>;

  /// What `pass` writes beside its results, such as gradients, it leaves where it always does.
  explicit RecordedPass(Pass pass);

  /// The results, without a gradient, valid until the next call.
  Tensors operator()(const Tensors& inputs);
  /// False as long as calls launch every kernel, and wait for memory.
  bool is_recorded() const { return graph_ != nullptr; }

 private:
  void record();

  Pass pass_;
  // One for all that comes before a replay: PyTorch's allocator keeps freed memory for the stream that has used it.
  std::optional<c10::Stream> stream_;
  std::int64_t num_calls_ = 0;
  // What the graph reads and writes.
  Tensors inputs_;
  Tensors results_;
  std::shared_ptr<at::cuda::CUDAGraph> graph_;
};

}  // namespace incubate
