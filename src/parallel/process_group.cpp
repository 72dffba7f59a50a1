#include "parallel/process_group.h"

#include <utility>

#include <c10/core/impl/VirtualGuardImpl.h>

namespace incubate {

ProcessGroup::ProcessGroup(Communicator communicator, torch::Device device)
    : communicator_(std::move(communicator)), device_(device) {
  if (device_.is_cuda()) {
    c10::impl::VirtualGuardImpl(device_.type()).setDevice(device_);
    gpu_collectives_ = make_gpu_collectives(communicator_);
  }
}

void ProcessGroup::all_reduce_sum(torch::Tensor& tensor, const std::string& what) {
  TORCH_INTERNAL_ASSERT(tensor.is_contiguous());
  if (tensor.is_cuda()) {
    gpu_collectives_->all_reduce_sum(tensor, what);
  } else if (tensor.scalar_type() == torch::kInt64) {
    communicator_.all_reduce_sum(std::span(tensor.data_ptr<std::int64_t>(), tensor.numel()), what);
  } else {
    communicator_.all_reduce_sum(std::span(tensor.data_ptr<float>(), tensor.numel()), what);
  }
}

void ProcessGroup::sum_shares(torch::Tensor& tensor, const std::string& what) {
  TORCH_INTERNAL_ASSERT(tensor.is_contiguous());
  if (tensor.is_cuda()) {
    gpu_collectives_->sum_shares(tensor, what);
  } else if (tensor.scalar_type() == torch::kInt64) {
    communicator_.sum_shares(std::span(tensor.data_ptr<std::int64_t>(), tensor.numel()), what);
  } else {
    communicator_.sum_shares(std::span(tensor.data_ptr<float>(), tensor.numel()), what);
  }
}

void ProcessGroup::share_values(torch::Tensor& tensor, const std::string& what) {
  TORCH_INTERNAL_ASSERT(tensor.is_contiguous());
  if (tensor.is_cuda()) {
    gpu_collectives_->share_values(tensor, what);
  } else {
    communicator_.share_values(std::span(tensor.data_ptr<float>(), tensor.numel()), what);
  }
}

void ProcessGroup::broadcast(torch::Tensor& tensor, const std::string& what) {
  TORCH_INTERNAL_ASSERT(tensor.is_contiguous());
  if (tensor.is_cuda()) {
    gpu_collectives_->broadcast(tensor, /*root=*/0, what);
    wait_for(HostCopy(tensor.flatten().narrow(0, 0, 1)), what);
  } else {
    communicator_.broadcast(std::span(static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()), what);
  }
}

void ProcessGroup::wait_for(const HostCopy& copy, const std::string& what) {
  if (gpu_collectives_) gpu_collectives_->wait_for(copy, what);
}

}  // namespace incubate
