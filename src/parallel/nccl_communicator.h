#pragma once

#include <functional>
#include <string>

#include <nccl.h>
#include <torch/types.h>

#include "base/share.h"
#include "parallel/communicator.h"
#include "parallel/device_stopwatch.h"
#include "parallel/host_copy.h"
#include "parallel/stuck_check.h"

namespace incubate {

/// An NCCL communicator over the ranks of an MPI one, each with its own GPU. Collectives run on the current stream:
/// they return when NCCL has accepted them, and nothing waits for the GPU but the wait functions. Never waits for ever:
/// it watches for errors of NCCL, of this rank or another, for a sum in which all ranks are stuck, and for the timeout,
/// and ends with an error that names the operation and this rank. Tensors are contiguous, on this rank's GPU; sums are
/// of float or int64, in place.
class NcclCommunicator {
 public:
  /// Collective over `communicator`, which must outlive it. REQUIRES: the rank's GPU is the current device.
  explicit NcclCommunicator(const Communicator& communicator);
  ~NcclCommunicator();
  NcclCommunicator(const NcclCommunicator&) = delete;
  NcclCommunicator& operator=(const NcclCommunicator&) = delete;

  void all_reduce_sum(torch::Tensor& tensor, const std::string& what);
  /// Sums of which each rank gets its chunk_of(); what is not its own is worthless then.
  void sum_shares(torch::Tensor& tensor, const std::string& what);
  /// Copies each rank's chunk_of() to all others.
  void share_values(torch::Tensor& tensor, const std::string& what);
  /// Copies rank 0's tensor to all.
  void broadcast(torch::Tensor& tensor, const std::string& what);
  /// Waits for `copy`, which comes after `what`.
  void wait_for(const HostCopy& copy, const std::string& what);
  /// The same after a collective that `watch` has timed: half a minute in it, with no rank late, is an error already
  /// (longer where the network is slow). `what` is the name of this one alone. Collective.
  void wait_for(const HostCopy& copy, const DeviceStopwatch& watch, const std::string& what);

 private:
  void check(ncclResult_t result, const std::string& what) const;
  void prove_that_it_works();
  /// Polls until `is_done`.
  void wait_until(const std::function<bool()>& is_done, const std::string& what);
  /// Polls until NCCL has accepted what began with `result`.
  void accept(ncclResult_t result, const std::string& what);

  const Communicator& communicator_;
  StuckCheck stuck_check_;
  double quickest_s_ = 0;  // of the collectives that were timed
  ncclComm_t comm_ = nullptr;
};

}  // namespace incubate
