#pragma once

#include <memory>
#include <string>

#include <torch/types.h>

#include "base/share.h"
#include "gpu/host_copy.h"
#include "parallel/communicator.h"
#include "parallel/gpu_collectives.h"

namespace incubate {

/// Tensor collectives of the ranks that train together: NCCL for tensors on a GPU, MPI on the CPU. Tensors are
/// contiguous and changed in place. On a GPU sums and shares run on the current stream; only wait_for() waits.
/// Collective over the group: every rank, same order.
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

  /// Sums float or int64 values over all ranks.
  void all_reduce_sum(torch::Tensor& tensor, const std::string& what);
  /// Reduce-scatter of a flat tensor: each rank gets the sum of its chunk(); its other values become worthless.
  void sum_shares(torch::Tensor& tensor, const std::string& what);
  /// Copies each rank's chunk() of a flat float tensor to all other ranks.
  void share_values(torch::Tensor& tensor, const std::string& what);
  /// Returns this rank's part of a flat tensor.
  Share chunk(const torch::Tensor& tensor) const { return chunk_of(tensor.numel(), rank(), size()); }
  /// Copies the leader's values, of any type and at least one, to all ranks. Waits for their arrival.
  void broadcast(torch::Tensor& tensor, const std::string& what);
  /// Waits for `copy`, which was queued after `what`, at most as long as a collective may take. Not collective.
  void wait_for(const HostCopy& copy, const std::string& what);

 private:
  Communicator communicator_;
  torch::Device device_;
  std::unique_ptr<GpuCollectives> gpu_collectives_;  // on a GPU
};

}  // namespace incubate
