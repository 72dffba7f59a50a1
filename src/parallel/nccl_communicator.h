#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <string>

#include <cuda_runtime_api.h>
#include <nccl.h>
#include <torch/types.h>

#include "base/share.h"
#include "parallel/gpu_collectives.h"
#include "parallel/stuck_check.h"

namespace incubate {

/// How long a communicator of so many ranks may take to be made, and so may each of its first sums, which load kernels
/// and make connections: longer by far than later ones, and the longer the more ranks have to meet. 8 ranks have taken
/// 55 s, of which 52 to load kernels (NVIDIA/nccl, issue 1646); thousands 150 s (issue 1156). In seconds.
double patience_of_first_s(int num_ranks);

/// An NCCL communicator over the ranks of an MPI one. Never waits for ever: it watches for errors of NCCL, of this rank
/// or another, for a collective in which all ranks are stuck (half a minute, or ten times what its bytes should take;
/// the first ones patience_of_first_s()), and for the timeout, and ends with an error that names the operation and this
/// rank.
class NcclCommunicator final : public GpuCollectives {
 public:
  /// Collective over `communicator`, which must outlive it. So is its end, unless an exception is the reason: it waits
  /// until all that was begun is over on every rank, and for the leader as long as that works. REQUIRES: the rank's GPU
  /// is the current device.
  explicit NcclCommunicator(const Communicator& communicator);
  ~NcclCommunicator() override;
  NcclCommunicator(const NcclCommunicator&) = delete;
  NcclCommunicator& operator=(const NcclCommunicator&) = delete;

  void all_reduce_sum(torch::Tensor& tensor, const std::string& what) override;
  void sum_shares(torch::Tensor& tensor, const std::string& what) override;
  void share_values(torch::Tensor& tensor, const std::string& what) override;
  void broadcast(torch::Tensor& tensor, int root, const std::string& what) override;
  void wait_for(const HostCopy& copy, const std::string& what) override;

 private:
  using Start = std::function<ncclResult_t(cudaStream_t)>;

  void check(ncclResult_t result, const std::string& what) const;
  void prove_that_it_works();
  /// Lets NCCL send what is still on its way.
  void finish();
  /// Gives NCCL an operation, and polls until it is accepted.
  void launch(const std::string& what, double patience_s, const Start& start);
  /// Polls until NCCL has accepted what it was given last.
  void wait_for_nccl(const std::string& what);
  /// How long a collective of so many bytes may take.
  double patience_s(std::size_t num_bytes) const;
  /// Polls until `is_done`.
  void wait_until(const std::function<bool()>& is_done, const std::string& what);

  const Communicator& communicator_;
  StuckCheck stuck_check_;
  double bytes_per_s_ = std::numeric_limits<double>::infinity();  // of a sum; measured
  double fewest_patience_s_;                                      // of a collective
  double timeout_s_;                                              // of a wait
  ncclComm_t comm_ = nullptr;
};

}  // namespace incubate
