#include "parallel/nccl_communicator.h"

#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include "base/check.h"
#include "parallel/idle_wait.h"

namespace incubate {
namespace {

void check_nccl(ncclResult_t result, const std::string& what) {
  check_running(result == ncclSuccess || result == ncclInProgress, "NCCL failed in {}: {} ({})", what,
                ncclGetErrorString(result), ncclGetLastError(nullptr));
}

ncclDataType_t nccl_type(const torch::Tensor& tensor) {
  if (tensor.scalar_type() == torch::kInt64) return ncclInt64;
  TORCH_INTERNAL_ASSERT(tensor.scalar_type() == torch::kFloat32);
  return ncclFloat32;
}

}  // namespace

NcclCommunicator::NcclCommunicator(const Communicator& communicator) : timeout_s_(communicator.timeout_s()) {
  ncclUniqueId id{};
  if (communicator.is_leader()) check_nccl(ncclGetUniqueId(&id), "ncclGetUniqueId");
  communicator.broadcast(std::as_writable_bytes(std::span(&id, 1)), "sending the NCCL id");
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  check_nccl(ncclCommInitRankConfig(&comm_, communicator.size(), id, communicator.rank(), &config),
             "making an NCCL group");
  wait_until_accepted("making an NCCL group");
}

NcclCommunicator::~NcclCommunicator() {
  if (comm_ != nullptr) ncclCommAbort(comm_);  // idle by now: every operation was waited for
}

void NcclCommunicator::all_reduce_sum(torch::Tensor& tensor, const std::string& what) {
  check_nccl(ncclAllReduce(tensor.data_ptr(), tensor.data_ptr(), tensor.numel(), nccl_type(tensor), ncclSum, comm_,
                           c10::cuda::getCurrentCUDAStream()),
             what);
  wait_until_accepted(what);
  wait_for_stream(what);
}

void NcclCommunicator::broadcast(torch::Tensor& tensor, const std::string& what) {
  check_nccl(ncclBroadcast(tensor.data_ptr(), tensor.data_ptr(), tensor.nbytes(), ncclUint8, 0, comm_,
                           c10::cuda::getCurrentCUDAStream()),
             what);
  wait_until_accepted(what);
  wait_for_stream(what);
}

void NcclCommunicator::wait_until_accepted(const std::string& what) {
  IdleWait idle;
  ncclResult_t state = ncclInProgress;
  while (state == ncclInProgress) {
    check_nccl(ncclCommGetAsyncError(comm_, &state), what);
    check_nccl(state, what);
    check_running(idle.waited_s() < timeout_s_, "{} was not accepted by NCCL within {} s (run.timeout_s).", what,
                  timeout_s_);
    idle.pause();
  }
}

void NcclCommunicator::wait_for_stream(const std::string& what) {
  IdleWait idle;
  const c10::cuda::CUDAStream stream = c10::cuda::getCurrentCUDAStream();
  while (!stream.query()) {
    ncclResult_t state = ncclSuccess;
    check_nccl(ncclCommGetAsyncError(comm_, &state), what);
    check_nccl(state, what);
    check_running(idle.waited_s() < timeout_s_, "{} did not complete within {} s (run.timeout_s).", what, timeout_s_);
    idle.pause();
  }
}

}  // namespace incubate
