#pragma once

#include <string>

#include <nccl.h>
#include <torch/types.h>

#include "parallel/communicator.h"

namespace incubate {

/// An NCCL communicator over the ranks of an MPI one, each with its own GPU. Never blocks for ever: it polls for
/// asynchronous errors and ends with an error that names the operation when the timeout is over.
class NcclCommunicator {
 public:
  /// Collective over `communicator`. REQUIRES: the rank's GPU is the current device.
  explicit NcclCommunicator(const Communicator& communicator);
  ~NcclCommunicator();
  NcclCommunicator(const NcclCommunicator&) = delete;
  NcclCommunicator& operator=(const NcclCommunicator&) = delete;

  /// In place; returns when the sum is there. float or int64, contiguous, on this rank's GPU.
  void all_reduce_sum(torch::Tensor& tensor, const std::string& what);
  /// Copies rank 0's tensor to all.
  void broadcast(torch::Tensor& tensor, const std::string& what);

 private:
  /// Polls until NCCL has accepted the operation.
  void wait_until_accepted(const std::string& what);
  /// Waits for the current stream, watching for errors of peers.
  void wait_for_stream(const std::string& what);

  ncclComm_t comm_ = nullptr;
  double timeout_s_;
};

}  // namespace incubate
