#pragma once

#include <memory>
#include <string>

#include <torch/types.h>

#include "base/share.h"
#include "gpu/host_copy.h"
#include "parallel/communicator.h"
#include "parallel/gpu_collectives.h"

namespace incubate {

/// The ranks that train together, as operations on tensors: NCCL moves those on a GPU, MPI those on the CPU. Tensors
/// are contiguous and changed in place. On a GPU sums and shares run on the current stream and nothing waits for them
/// but wait_for(). Collective over the group: every rank, same order.
class ProcessGroup {
 public:
  ProcessGroup(Communicator communicator, torch::Device device);
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  int rank() const { return communicator_.rank(); }
  int size() const { return communicator_.size(); }
  bool is_leader() const { return communicator_.is_leader(); }
  torch::Device device() const { return device_; }
  const Communicator& communicator() const { return communicator_; }

  /// float or int64.
  void all_reduce_sum(torch::Tensor& tensor, const std::string& what);
  /// The same of a flat tensor, of whose sum each rank gets chunk() alone; what is not its own is worthless then.
  void sum_shares(torch::Tensor& tensor, const std::string& what);
  /// Copies each rank's chunk() of a flat float tensor to all others.
  void share_values(torch::Tensor& tensor, const std::string& what);
  /// This rank's part of a flat tensor.
  Share chunk(const torch::Tensor& tensor) const { return chunk_of(tensor.numel(), rank(), size()); }
  /// The leader's values to all; any type, at least one. Waits until they are there.
  void broadcast(torch::Tensor& tensor, const std::string& what);
  /// Waits for `copy`, which comes after `what`; for as long as a collective may take. Not collective.
  void wait_for(const HostCopy& copy, const std::string& what);

 private:
  Communicator communicator_;
  torch::Device device_;
  std::unique_ptr<GpuCollectives> gpu_collectives_;  // on a GPU
};

}  // namespace incubate
