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

/// Returns the seconds that creating a communicator of `num_ranks`, and each of its first sums, may take. They load
/// kernels and connect ranks, so they take far longer than later sums. 8 ranks have taken 55 s, 52 of them to load
/// kernels (NVIDIA/nccl, issue 1646); thousands 150 s (issue 1156).
double patience_of_first_s(int num_ranks);

/// An NCCL communicator over the ranks of an MPI one. Never waits for ever: it watches for errors of NCCL, of this rank
/// or another, for a collective in which all ranks are stuck (half a minute, or ten times what its bytes should take;
/// the first ones patience_of_first_s()), and for the timeout, and ends with an error that names the operation and this
/// rank.
class NcclCommunicator final : public GpuCollectives {
 public:
  /// Collective over `communicator`, which must outlive this object. The destructor is collective too, unless an
  /// exception causes it: it waits until all collectives are complete on every rank. REQUIRES: the rank's GPU is the
  /// current device.
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
  /// Lets NCCL send what is still pending.
  void finish();
  /// Gives NCCL an operation and polls until NCCL accepts it.
  void launch(const std::string& what, double patience_s, const Start& start);
  /// Polls until NCCL has accepted the last operation.
  void wait_for_nccl(const std::string& what);
  /// Returns the seconds that a collective of so many bytes may take.
  double patience_s(std::size_t num_bytes) const;
  /// Polls until `is_done`.
  void wait_until(const std::function<bool()>& is_done, const std::string& what);

  const Communicator& communicator_;
  StuckCheck stuck_check_;
  double bytes_per_s_ = std::numeric_limits<double>::infinity();  // measured speed of a sum
  double fewest_patience_s_;                                      // lower limit of patience_s()
  double timeout_s_;                                              // for one wait
  ncclComm_t comm_ = nullptr;
};

}  // namespace incubate
