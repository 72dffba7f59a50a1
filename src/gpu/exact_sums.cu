#include <algorithm>

#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include "base/exact_sum.h"
#include "gpu/exact_sums.h"

namespace incubate::gpu {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMostBlocks = 2048;  // several for each multiprocessor; a thread takes several values

cudaStream_t current_stream() { return c10::cuda::getCurrentCUDAStream(); }

int blocks_for(std::int64_t size) {
  return static_cast<int>(std::clamp<std::int64_t>((size + kThreads - 1) / kThreads, 1, kMostBlocks));
}

__device__ bool is_in_range(float value) { return fabsf(value) < kLargestExactAddend; }  // false for NaN

/// Rounds to the nearest value, ties to even, as on the CPU.
__device__ std::int64_t to_units(float value) { return __double2ll_rn(static_cast<double>(value) * kExactUnitsPerOne); }

__global__ void add_gradients_kernel(const float* gradients, std::int64_t size, bool is_first, std::int64_t* sums,
                                     std::int32_t* is_out_of_range) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  bool all_in_range = true;
  for (std::int64_t i = (static_cast<std::int64_t>(blockIdx.x) * kThreads) + threadIdx.x; i < size; i += stride) {
    all_in_range = all_in_range && is_in_range(gradients[i]);
    sums[i] = is_first ? to_units(gradients[i]) : sums[i] + to_units(gradients[i]);
  }
  if (!all_in_range) *is_out_of_range = 1;  // all threads that write write 1
}

/// Runs in one thread, after the gradients.
__global__ void add_loss_kernel(const float* loss, LossSums sums) {
  const bool in_range = is_in_range(*loss) && *sums.is_out_of_range == 0;
  if (in_range) *sums.loss += to_units(*loss);
  if (!in_range) *sums.num_out_of_range += 1;
  *sums.is_out_of_range = 0;
}

__global__ void mean_kernel(const std::int64_t* sums, std::int64_t size, const double* divisor, float* mean) {
  const double scale = 1.0 / (kExactUnitsPerOne * *divisor);
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t i = (static_cast<std::int64_t>(blockIdx.x) * kThreads) + threadIdx.x; i < size; i += stride) {
    mean[i] = static_cast<float>(static_cast<double>(sums[i]) * scale);
  }
}

}  // namespace

void add_gradients(std::span<const float> gradients, bool is_first, std::int64_t* gradient_sums,
                   std::int32_t* is_out_of_range) {
  const auto size = static_cast<std::int64_t>(gradients.size());
  add_gradients_kernel<<<blocks_for(size), kThreads, 0, current_stream()>>>(gradients.data(), size, is_first,
                                                                            gradient_sums, is_out_of_range);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

void add_loss(const float* loss, const LossSums& sums) {
  add_loss_kernel<<<1, 1, 0, current_stream()>>>(loss, sums);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

void exact_mean(const std::int64_t* sums, std::int64_t size, const double* divisor, float* mean) {
  mean_kernel<<<blocks_for(size), kThreads, 0, current_stream()>>>(sums, size, divisor, mean);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace incubate::gpu
