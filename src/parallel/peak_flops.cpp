#include "parallel/peak_flops.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <torch/torch.h>

#include "base/stopwatch.h"
#include "gpu/device_memory.h"
#include "gpu/streams.h"

namespace incubate {
namespace {

constexpr double kDuration_s = 0.05;
constexpr std::int64_t kCpuWidth = 1024;  // larger ones are no faster on a core
constexpr std::int64_t kGpuWidth = 8192;  // smaller ones do not fill a GPU
constexpr std::int64_t kWarmUpWidth = 256;

void wait_for(torch::Device device) {
  if (device.is_cuda()) current_stream(device).synchronize();
}

double best_flops(torch::Device device, at::ScalarType type) {
  const auto options = torch::dtype(type).device(device);
  const torch::Tensor warm_up = torch::ones({kWarmUpWidth, kWarmUpWidth}, options);
  torch::mm(warm_up, warm_up);
  const std::int64_t width = device.is_cuda() ? kGpuWidth : kCpuWidth;
  const torch::Tensor a = torch::ones({width, width}, options);
  torch::Tensor product = torch::empty_like(a);
  wait_for(device);
  const auto side = static_cast<double>(width);
  double best_s = 0;
  for (const Stopwatch whole; best_s == 0 || whole.elapsed_s() < kDuration_s;) {
    const Stopwatch watch;
    torch::mm_out(product, a, a);
    wait_for(device);
    best_s = best_s == 0 ? watch.elapsed_s() : std::min(best_s, watch.elapsed_s());
  }
  return 2 * side * side * side / best_s;
}

}  // namespace

double measure_peak_flops(torch::Device device, at::ScalarType type, const Communicator& world) {
  const torch::NoGradGuard no_grad;
  world.barrier("beginning to measure matrix products");
  const double flops = best_flops(device, type);
  forget_memory_peak(device);
  std::vector<std::int64_t> sum = {std::llround(flops)};
  world.all_reduce_sum(sum, "measuring matrix products");
  return static_cast<double>(sum.front()) / world.size();
}

}  // namespace incubate
