#include "parallel/peak_flops.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <torch/torch.h>

#include "base/clock.h"
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

}  // namespace

double best_product_flops(torch::Device device, at::ScalarType type, std::int64_t width, double duration_s) {
  const torch::NoGradGuard no_grad;
  const auto options = torch::dtype(type).device(device);
  const torch::Tensor warm_up = torch::ones({kWarmUpWidth, kWarmUpWidth}, options);
  torch::mm(warm_up, warm_up);
  const torch::Tensor a = torch::ones({width, width}, options);
  torch::Tensor product = torch::empty_like(a);
  wait_for(device);
  const auto side = static_cast<double>(width);
  double best_s = 0;
  for (const Stopwatch whole; best_s == 0 || whole.elapsed_s() < duration_s;) {
    const Stopwatch watch;
    torch::mm_out(product, a, a);
    wait_for(device);
    best_s = best_s == 0 ? watch.elapsed_s() : std::min(best_s, watch.elapsed_s());
  }
  return 2 * side * side * side / best_s;
}

double measure_peak_flops(torch::Device device, at::ScalarType type, const Communicator& world) {
  world.barrier("beginning to measure matrix products");
  const double flops = best_product_flops(device, type, device.is_cuda() ? kGpuWidth : kCpuWidth, kDuration_s);
  forget_memory_peak(device);
  constexpr double kUnit = 1e6;  // FLOP/s of thousands of GPUs are more than an integer holds
  std::vector<std::int64_t> sum = {std::llround(flops / kUnit)};
  world.all_reduce_sum(sum, "measuring matrix products");
  return static_cast<double>(sum.front()) * kUnit / world.size();
}

}  // namespace incubate
