#include "parallel/nccl_communicator.h"

#include <algorithm>
#include <limits>

#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#include <torch/torch.h>

#include "base/check.h"
#include "parallel/idle_wait.h"

namespace incubate {
namespace {

constexpr double kPatience_s = 30;
constexpr double kTimesQuickest = 10;  // a sum that takes so many times as long as another did is suspect

ncclDataType_t nccl_type(const torch::Tensor& tensor) {
  if (tensor.scalar_type() == torch::kInt64) return ncclInt64;
  TORCH_INTERNAL_ASSERT(tensor.scalar_type() == torch::kFloat32);
  return ncclFloat32;
}

std::byte* address_of(const torch::Tensor& tensor, std::int64_t index) {
  return static_cast<std::byte*>(tensor.data_ptr()) + (index * tensor.element_size());
}

}  // namespace

NcclCommunicator::NcclCommunicator(const Communicator& communicator)
    : communicator_(communicator), stuck_check_(communicator) {
  const std::string what = "making an NCCL group";
  ncclUniqueId id{};
  if (communicator.is_leader()) check(ncclGetUniqueId(&id), what);
  communicator.broadcast(std::as_writable_bytes(std::span(&id, 1)), "sending the NCCL id");
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  accept(ncclCommInitRankConfig(&comm_, communicator.size(), id, communicator.rank(), &config), what);
  prove_that_it_works();
}

/// The first sum makes the connections: of one number, so that what hangs because of the network hangs here.
void NcclCommunicator::prove_that_it_works() {
  const std::string what = "the first sum of an NCCL group";
  torch::Tensor one = torch::ones({1}, torch::kCUDA);
  DeviceStopwatch watch(one.device());
  all_reduce_sum(one, what);
  watch.stop();
  wait_for(HostCopy(one), watch, what);
  quickest_s_ = std::numeric_limits<double>::infinity();  // it says nothing about larger ones
}

// Every operation was waited for, so all ranks are as far; without that, as after an error, peers may not answer.
NcclCommunicator::~NcclCommunicator() {
  if (comm_ != nullptr) ncclCommAbort(comm_);
}

void NcclCommunicator::all_reduce_sum(torch::Tensor& tensor, const std::string& what) {
  accept(ncclAllReduce(tensor.data_ptr(), tensor.data_ptr(), tensor.numel(), nccl_type(tensor), ncclSum, comm_,
                       c10::cuda::getCurrentCUDAStream()),
         what);
}

// The last rank's chunk has what is left over by the equal ones, too.
void NcclCommunicator::sum_shares(torch::Tensor& tensor, const std::string& what) {
  const c10::cuda::CUDAStream stream = c10::cuda::getCurrentCUDAStream();
  const ncclDataType_t type = nccl_type(tensor);
  const std::int64_t chunk = chunk_of(tensor.numel(), 0, communicator_.size()).size();
  const std::int64_t in_chunks = chunk * communicator_.size();
  if (chunk > 0) {
    accept(ncclReduceScatter(tensor.data_ptr(), address_of(tensor, chunk * communicator_.rank()), chunk, type, ncclSum,
                             comm_, stream),
           what);
  }
  if (in_chunks < tensor.numel()) {
    std::byte* rest = address_of(tensor, in_chunks);
    accept(ncclAllReduce(rest, rest, tensor.numel() - in_chunks, type, ncclSum, comm_, stream), what);
  }
}

void NcclCommunicator::share_values(torch::Tensor& tensor, const std::string& what) {
  const c10::cuda::CUDAStream stream = c10::cuda::getCurrentCUDAStream();
  const ncclDataType_t type = nccl_type(tensor);
  const std::int64_t chunk = chunk_of(tensor.numel(), 0, communicator_.size()).size();
  const std::int64_t in_chunks = chunk * communicator_.size();
  if (chunk > 0) {
    accept(
        ncclAllGather(address_of(tensor, chunk * communicator_.rank()), tensor.data_ptr(), chunk, type, comm_, stream),
        what);
  }
  if (in_chunks < tensor.numel()) {
    std::byte* rest = address_of(tensor, in_chunks);
    accept(ncclBroadcast(rest, rest, tensor.numel() - in_chunks, type, communicator_.size() - 1, comm_, stream), what);
  }
}

void NcclCommunicator::broadcast(torch::Tensor& tensor, const std::string& what) {
  accept(ncclBroadcast(tensor.data_ptr(), tensor.data_ptr(), tensor.nbytes(), ncclUint8, 0, comm_,
                       c10::cuda::getCurrentCUDAStream()),
         what);
}

void NcclCommunicator::wait_for(const HostCopy& copy, const std::string& what) {
  wait_until([&copy] { return copy.is_there(); }, what);
}

void NcclCommunicator::wait_for(const HostCopy& copy, const DeviceStopwatch& watch, const std::string& what) {
  wait_until([&watch] { return watch.is_running(); }, what);  // this rank's own work comes first
  const double patience_s = std::max(kPatience_s, kTimesQuickest * quickest_s_);
  IdleWait idle;
  wait_until(
      [&] {
        if (copy.is_there()) return true;
        check_running(idle.waited_s() < patience_s || !stuck_check_.is_stuck(what),
                      "{} is stuck: its {} ranks have waited in it for {:.0f} s, none of them is late, and NCCL has "
                      "reported no error (said by {}). Look for the network between their GPUs (NCCL_DEBUG=INFO).",
                      what, communicator_.size(), patience_s, communicator_.member_name(communicator_.rank()));
        return false;
      },
      what);
  quickest_s_ = std::min(quickest_s_, watch.elapsed_s());
}

void NcclCommunicator::wait_until(const std::function<bool()>& is_done, const std::string& what) {
  IdleWait idle;
  while (!is_done()) {
    ncclResult_t state = ncclSuccess;
    check(ncclCommGetAsyncError(comm_, &state), what);
    check(state, what);
    check_running(idle.waited_s() < communicator_.timeout_s(), "{} did not complete within {} s on {} (run.timeout_s).",
                  what, communicator_.timeout_s(), communicator_.member_name(communicator_.rank()));
    idle.pause();
  }
}

void NcclCommunicator::check(ncclResult_t result, const std::string& what) const {
  check_running(result == ncclSuccess || result == ncclInProgress, "NCCL failed in {} on {}: {} ({})", what,
                communicator_.member_name(communicator_.rank()), ncclGetErrorString(result), ncclGetLastError(comm_));
}

void NcclCommunicator::accept(ncclResult_t result, const std::string& what) {
  check(result, what);
  ncclResult_t state = ncclInProgress;
  wait_until(
      [&] {
        check(ncclCommGetAsyncError(comm_, &state), what);
        return state != ncclInProgress;
      },
      what);
  check(state, what);
}

}  // namespace incubate
