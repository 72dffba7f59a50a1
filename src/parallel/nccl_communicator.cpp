#include "parallel/nccl_communicator.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>

#include <ATen/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/torch.h>

#include "base/check.h"
#include "gpu/device_stopwatch.h"
#include "parallel/idle_wait.h"

namespace incubate {
namespace {

constexpr double kPatience_s = 30;
constexpr double kUsualTimeout_s = 600;  // a longer run.timeout_s lengthens the patience in proportion
constexpr double kTimesExpected = 10;    // what takes so many times as long as its bytes should is suspect

/// Of the sum that measures the network: large enough to be about bytes, and nothing beside a training's memory.
constexpr std::int64_t kMeasuredNumbers = (16 << 20) / sizeof(float);

/// The place of a collective in its stream.
struct Marks {
  at::cuda::CUDAEvent begun, over;
  bool is_accepted = false;
};

ncclDataType_t nccl_type(const torch::Tensor& tensor) {
  if (tensor.scalar_type() == torch::kInt64) return ncclInt64;
  TORCH_INTERNAL_ASSERT(tensor.scalar_type() == torch::kFloat32);
  return ncclFloat32;
}

std::byte* address_of(const torch::Tensor& tensor, std::int64_t index) {
  return static_cast<std::byte*>(tensor.data_ptr()) + (index * tensor.element_size());
}

}  // namespace

std::unique_ptr<GpuCollectives> make_gpu_collectives(const Communicator& communicator) {
  return std::make_unique<NcclCommunicator>(communicator);
}

std::string gpu_library_versions() {
  int cuda = 0;
  int nccl = 0;
  cudaRuntimeGetVersion(&cuda);
  ncclGetVersion(&nccl);
  return fmt::format("CUDA runtime {}.{}, NCCL {}.{}.{}", cuda / 1000, cuda / 10 % 100, nccl / 10000, nccl / 100 % 100,
                     nccl % 100);
}

double patience_of_first_s(int num_ranks) {
  constexpr double kAlone_s = 120;
  constexpr double kEachRank_s = 0.2;
  return kAlone_s + (kEachRank_s * num_ranks);
}

NcclCommunicator::NcclCommunicator(const Communicator& communicator)
    : communicator_(communicator),
      stuck_check_(communicator),
      fewest_patience_s_(patience_of_first_s(communicator.size())),
      timeout_s_(communicator.timeout_s()) {
  const std::string what = "making an NCCL group";
  ncclUniqueId id{};
  if (communicator.is_leader()) check(ncclGetUniqueId(&id), what);
  communicator.broadcast(std::as_writable_bytes(std::span(&id, 1)), "sending the NCCL id");
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  launch(what, fewest_patience_s_, [&](cudaStream_t) {
    return ncclCommInitRankConfig(&comm_, communicator.size(), id, communicator.rank(), &config);
  });
  prove_that_it_works();
  fewest_patience_s_ = kPatience_s;
}

/// The first sum makes the connections: of one number, so that what hangs because of the network hangs here. The second
/// measures what they carry.
void NcclCommunicator::prove_that_it_works() {
  for (const std::int64_t num_numbers : {std::int64_t{1}, kMeasuredNumbers}) {
    const std::string what = fmt::format("the first sum of {} numbers of an NCCL group", num_numbers);
    torch::Tensor numbers = torch::ones({num_numbers}, torch::kCUDA);
    DeviceStopwatch watch(numbers.device());
    all_reduce_sum(numbers, what);
    watch.stop();
    const HostCopy last(numbers.narrow(0, num_numbers - 1, 1));
    wait_for(last, what);
    const float sum = last.values().item<float>();
    check_running(sum == static_cast<float>(communicator_.size()), "NCCL gave {} instead of {} in {} on {}.", sum,
                  communicator_.size(), what, communicator_.member_name(communicator_.rank()));
    if (num_numbers > 1) bytes_per_s_ = static_cast<double>(numbers.nbytes()) / watch.elapsed_s();
  }
}

// After an error peers may not answer. In an orderly end an abort could drop what this rank still sends to them.
NcclCommunicator::~NcclCommunicator() {
  if (std::uncaught_exceptions() == 0) {
    try {
      finish();
      ncclCommDestroy(comm_);
      return;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "incubate: %s\n", error.what());
    }
  }
  ncclCommAbort(comm_);
}

void NcclCommunicator::finish() {
  const std::string what = "the end of an NCCL group";
  // A leader may still write files; rank 0 notices when one does not get on (see StatusChannel).
  if (!communicator_.is_leader()) timeout_s_ = std::numeric_limits<double>::infinity();
  at::cuda::CUDAEvent all_done;
  all_done.record(c10::cuda::getCurrentCUDAStream());
  wait_until([&] { return all_done.query(); }, what);
  check(ncclCommFinalize(comm_), what);
  wait_for_nccl(what);
}

void NcclCommunicator::all_reduce_sum(torch::Tensor& tensor, const std::string& what) {
  launch(what, patience_s(tensor.nbytes()), [&](cudaStream_t stream) {
    return ncclAllReduce(tensor.data_ptr(), tensor.data_ptr(), tensor.numel(), nccl_type(tensor), ncclSum, comm_,
                         stream);
  });
}

// The last rank's chunk has what is left over by the equal ones, too.
void NcclCommunicator::sum_shares(torch::Tensor& tensor, const std::string& what) {
  const std::int64_t chunk = chunk_of(tensor.numel(), 0, communicator_.size()).size();
  const std::int64_t in_chunks = chunk * communicator_.size();
  if (chunk > 0) {
    launch(what, patience_s(tensor.nbytes()), [&](cudaStream_t stream) {
      return ncclReduceScatter(tensor.data_ptr(), address_of(tensor, chunk * communicator_.rank()), chunk,
                               nccl_type(tensor), ncclSum, comm_, stream);
    });
  }
  if (in_chunks < tensor.numel()) {
    torch::Tensor rest = tensor.narrow(0, in_chunks, tensor.numel() - in_chunks);
    all_reduce_sum(rest, what);
  }
}

void NcclCommunicator::share_values(torch::Tensor& tensor, const std::string& what) {
  const std::int64_t chunk = chunk_of(tensor.numel(), 0, communicator_.size()).size();
  const std::int64_t in_chunks = chunk * communicator_.size();
  if (chunk > 0) {
    launch(what, patience_s(tensor.nbytes()), [&](cudaStream_t stream) {
      return ncclAllGather(address_of(tensor, chunk * communicator_.rank()), tensor.data_ptr(), chunk,
                           nccl_type(tensor), comm_, stream);
    });
  }
  if (in_chunks < tensor.numel()) {
    torch::Tensor rest = tensor.narrow(0, in_chunks, tensor.numel() - in_chunks);
    broadcast(rest, communicator_.size() - 1, what);
  }
}

void NcclCommunicator::broadcast(torch::Tensor& tensor, int root, const std::string& what) {
  launch(what, patience_s(tensor.nbytes()), [&](cudaStream_t stream) {
    return ncclBroadcast(tensor.data_ptr(), tensor.data_ptr(), tensor.nbytes(), ncclUint8, root, comm_, stream);
  });
}

double NcclCommunicator::patience_s(std::size_t num_bytes) const {
  return std::max(fewest_patience_s_, kTimesExpected * static_cast<double>(num_bytes) / bytes_per_s_);
}

void NcclCommunicator::launch(const std::string& what, double patience_s, const Start& start) {
  const double slack = std::max(1.0, communicator_.timeout_s() / kUsualTimeout_s);
  const c10::cuda::CUDAStream stream = c10::cuda::getCurrentCUDAStream();
  const auto marks = std::make_shared<Marks>();
  marks->begun.record(stream);
  stuck_check_.add({.name = what,
                    .patience_s = slack * patience_s,
                    .has_begun = [marks] { return marks->begun.query(); },
                    .is_over = [marks] { return marks->is_accepted && marks->over.query(); }});
  check(start(stream), what);
  wait_for_nccl(what);
  marks->over.record(stream);
  marks->is_accepted = true;
}

void NcclCommunicator::wait_for_nccl(const std::string& what) {
  ncclResult_t state = ncclInProgress;
  wait_until(
      [&] {
        check(ncclCommGetAsyncError(comm_, &state), what);
        return state != ncclInProgress;
      },
      what);
  check(state, what);
}

void NcclCommunicator::wait_for(const HostCopy& copy, const std::string& what) {
  wait_until([&copy] { return copy.is_there(); }, what);
}

void NcclCommunicator::wait_until(const std::function<bool()>& is_done, const std::string& what) {
  const std::string& member = communicator_.member_name(communicator_.rank());
  IdleWait idle;
  while (!is_done()) {
    ncclResult_t state = ncclSuccess;
    check(ncclCommGetAsyncError(comm_, &state), what);
    check(state, what);
    const std::optional<std::string> stuck = stuck_check_.find_stuck();
    check_running(!stuck,
                  "{} NCCL has reported no error (said by {}). Look for the network between their GPUs "
                  "(NCCL_DEBUG=INFO), or raise run.timeout_s, which lengthens the wait.",
                  stuck.value_or(""), member);
    check_running(idle.waited_s() < timeout_s_, "{} did not complete within {} s on {} (run.timeout_s).", what,
                  timeout_s_, member);
    idle.pause();
  }
  stuck_check_.go_on();
}

void NcclCommunicator::check(ncclResult_t result, const std::string& what) const {
  check_running(result == ncclSuccess || result == ncclInProgress, "NCCL failed in {} on {}: {} ({})", what,
                communicator_.member_name(communicator_.rank()), ncclGetErrorString(result), ncclGetLastError(comm_));
}

}  // namespace incubate
