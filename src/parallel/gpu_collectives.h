#pragma once

#include <memory>
#include <string>

#include <torch/types.h>

#include "gpu/host_copy.h"
#include "parallel/communicator.h"

namespace incubate {

/// Collectives on tensors of GPUs, one GPU a rank, as a library of the GPUs' maker has them. They run on the current
/// stream: they return when the library has accepted them, and nothing waits for the GPU but wait_for(). Tensors are
/// contiguous, on this rank's GPU; sums are of float or int64, in place. Collective over the communicator: every rank,
/// same order.
class GpuCollectives {
 public:
  virtual ~GpuCollectives() = default;

  virtual void all_reduce_sum(torch::Tensor& tensor, const std::string& what) = 0;
  /// Sums of which each rank gets its chunk_of(); what is not its own is worthless then.
  virtual void sum_shares(torch::Tensor& tensor, const std::string& what) = 0;
  /// Copies each rank's chunk_of() to all others.
  virtual void share_values(torch::Tensor& tensor, const std::string& what) = 0;
  /// Copies the tensor of rank `root` to all; any type.
  virtual void broadcast(torch::Tensor& tensor, int root, const std::string& what) = 0;
  /// Waits for `copy`, which comes after `what`. Not collective.
  virtual void wait_for(const HostCopy& copy, const std::string& what) = 0;
};

/// Makes those of this build (see NcclCommunicator; without CUDA there are none, nor a GPU that asks for them).
/// `communicator` must outlive them. Collective.
std::unique_ptr<GpuCollectives> make_gpu_collectives(const Communicator& communicator);

/// Returns the versions of the CUDA runtime and NCCL that this program runs with, for the log.
std::string gpu_library_versions();

}  // namespace incubate
