#pragma once

#include <memory>
#include <string>

#include <torch/types.h>

#include "base/share.h"
#include "parallel/communicator.h"
#include "parallel/nccl_communicator.h"

namespace incubate {

/// The ranks that train together, as operations on tensors: NCCL moves those on a GPU, MPI those on the CPU. Tensors
/// are contiguous and changed in place. Collective over the group: every rank, same order.
class ProcessGroup {
 public:
  ProcessGroup(Communicator communicator, torch::Device device);

  int rank() const { return communicator_.rank(); }
  int size() const { return communicator_.size(); }
  bool is_leader() const { return communicator_.is_leader(); }
  torch::Device device() const { return device_; }
  const Communicator& communicator() const { return communicator_; }

  /// float or int64.
  void all_reduce_sum(torch::Tensor& tensor, const std::string& what);
  /// The same, but where that is faster each rank gets a share of the sum alone: the one it returns, of a flat tensor.
  Share sum_shares(torch::Tensor& tensor, const std::string& what);
  /// Copies each rank's share, as sum_shares() returned it, to all others; float.
  void share_values(torch::Tensor& tensor, const std::string& what);
  /// The leader's values to all; any type.
  void broadcast(torch::Tensor& tensor, const std::string& what);

 private:
  Communicator communicator_;
  torch::Device device_;
  std::unique_ptr<NcclCommunicator> nccl_;  // on a GPU
};

}  // namespace incubate
