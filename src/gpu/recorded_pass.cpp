#include "gpu/recorded_pass.h"

#include <utility>

#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/StreamGuard.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/torch.h>

#include "gpu/streams.h"

namespace incubate {
namespace {

/// In these calls libraries choose kernels and allocate their workspaces (see PyTorch's guide to CUDA graphs).
constexpr std::int64_t kCallsBefore = 3;

/// Graphs must be recorded on another stream than the default one.
class SideStream {
 public:
  explicit SideStream(const c10::Stream& stream)
      : before_(current_stream(stream.device())), stream_(stream), guard_(stream) {
    put_in_order(before_, stream_);
  }
  ~SideStream() { put_in_order(stream_, before_); }
  SideStream(const SideStream&) = delete;
  SideStream& operator=(const SideStream&) = delete;

 private:
  c10::Stream before_;
  c10::Stream stream_;
  c10::StreamGuard guard_;
};

RecordedPass::Tensors detached(const RecordedPass::Tensors& tensors) {
  RecordedPass::Tensors result;
  for (const torch::Tensor& tensor : tensors) result.push_back(tensor.defined() ? tensor.detach() : tensor);
  return result;
}

}  // namespace

RecordedPass::RecordedPass(Pass pass) : pass_(std::move(pass)), stream_(c10::cuda::getStreamFromPool().unwrap()) {}

RecordedPass::Tensors RecordedPass::operator()(const Tensors& inputs) {
  if (++num_calls_ <= kCallsBefore) {
    const SideStream side(*stream_);
    return detached(pass_(inputs));
  }
  {
    const torch::NoGradGuard no_grad;
    inputs_.resize(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].defined()) continue;
      if (!inputs_[i].defined()) inputs_[i] = torch::empty_like(inputs[i]);
      inputs_[i].copy_(inputs[i], /*non_blocking=*/true);
    }
  }
  if (!graph_) record();
  graph_->replay();
  return results_;
}

void RecordedPass::record() {
  const SideStream side(*stream_);
  // The graph cannot reuse memory that the earlier calls have cached.
  c10::cuda::CUDACachingAllocator::emptyCache();
  graph_ = std::make_shared<at::cuda::CUDAGraph>();
  // Other threads (loaders) may allocate page-locked memory meanwhile; thread-local mode allows that.
  graph_->capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
  results_ = detached(pass_(inputs_));
  graph_->capture_end();
}

}  // namespace incubate
