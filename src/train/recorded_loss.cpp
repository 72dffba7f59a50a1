#include "train/recorded_loss.h"

#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <torch/torch.h>

#include "parallel/stream_order.h"

namespace incubate {
namespace {

/// In which libraries choose their kernels and take their working memory, as PyTorch's guide to CUDA graphs has it.
constexpr std::int64_t kCallsBefore = 3;

void copy_into(torch::Tensor& copy, const torch::Tensor& source) {
  if (!source.defined()) return;
  if (!copy.defined()) copy = torch::empty_like(source);
  copy.copy_(source, /*non_blocking=*/true);
}

/// Graphs are recorded on another stream than the default one.
class SideStream {
 public:
  explicit SideStream(const c10::cuda::CUDAStream& stream)
      : before_(c10::cuda::getCurrentCUDAStream()), stream_(stream), guard_(stream) {
    put_in_order(before_, stream_);
  }
  ~SideStream() { put_in_order(stream_, before_); }
  SideStream(const SideStream&) = delete;
  SideStream& operator=(const SideStream&) = delete;

 private:
  c10::cuda::CUDAStream before_;
  c10::cuda::CUDAStream stream_;
  c10::cuda::CUDAStreamGuard guard_;
};

}  // namespace

Loss RecordedLoss::operator()(const torch::Tensor& input, const Targets& targets) {
  if (++num_calls_ <= kCallsBefore) {
    const SideStream side(stream_);
    return pass_(input, targets);
  }
  {
    const torch::NoGradGuard no_grad;
    copy_into(input_, input);
    copy_into(targets_.labels, targets.labels);
    copy_into(targets_.other_labels, targets.other_labels);
    copy_into(targets_.label_weights, targets.label_weights);
  }
  if (!graph_) record();
  graph_->replay();
  return loss_;
}

void RecordedLoss::record() {
  const SideStream side(stream_);
  // The graph cannot reuse the memory that the calls before it have cached.
  c10::cuda::CUDACachingAllocator::emptyCache();
  graph_ = std::make_unique<at::cuda::CUDAGraph>();
  // Loaders of this process take page-locked memory meanwhile, which only the recording thread must not.
  graph_->capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
  loss_ = pass_(input_, targets_);
  graph_->capture_end();
}

}  // namespace incubate
