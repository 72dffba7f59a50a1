#include "parallel/gradient_reducer.h"

#include <cmath>
#include <limits>

#include <torch/torch.h>

#include "base/stopwatch.h"

namespace incubate {
namespace {

enum Rider : std::int64_t { kLoss, kNonfinite, kStop, kDataWait, kCommunicationWait, kMemoryPeak, kNumRiders };

}  // namespace

GradientReducer::GradientReducer(ProcessGroup& group, Sums sums, std::int64_t num_gradients)
    : group_(group),
      sums_(sums),
      num_gradients_(num_gradients),
      buffer_(
          torch::zeros({num_gradients + kNumRiders},
                       torch::dtype(sums == Sums::exact ? torch::kInt64 : torch::kFloat32).device(group.device()))) {}

void GradientReducer::add(const torch::Tensor& gradients, double loss) {
  TORCH_INTERNAL_ASSERT(gradients.numel() == num_gradients_ && gradients.is_contiguous());
  if (sums_ == Sums::exact) {
    add_exact(gradients, loss);
  } else {
    add_fast(gradients, loss);
  }
}

void GradientReducer::add_exact(const torch::Tensor& gradients, double loss) {
  torch::Tensor sums = buffer_.narrow(0, 0, num_gradients_);
  torch::Tensor riders = buffer_.narrow(0, num_gradients_, kNumRiders);
  bool in_range = std::fabs(loss) < kLargestExactAddend;
  if (gradients.is_cuda()) {
    in_range = in_range && gradients.abs().max().item<float>() < kLargestExactAddend;  // false for NaN
    sums.add_(gradients.to(torch::kFloat64).mul_(kExactUnitsPerOne).round_().to(torch::kInt64));
  } else {
    const Addends addends = add_exactly(std::span(gradients.data_ptr<float>(), num_gradients_),
                                        std::span(sums.data_ptr<std::int64_t>(), num_gradients_));
    in_range = in_range && addends == Addends::all_in_range;
  }
  riders[kLoss] += to_exact_units(loss);
  riders[kNonfinite] += in_range ? 0 : 1;
}

void GradientReducer::add_fast(const torch::Tensor& gradients, double loss) {
  buffer_.narrow(0, 0, num_gradients_).add_(gradients);
  torch::Tensor riders = buffer_.narrow(0, num_gradients_, kNumRiders);
  riders[kLoss] += loss;
  riders[kNonfinite] += std::isfinite(loss) ? 0 : 1;
}

void GradientReducer::add_notes(torch::Tensor& riders) {
  const auto add = [&](Rider rider, double value) {
    if (sums_ == Sums::exact) {
      riders[rider] += to_exact_units(value);
    } else {
      riders[rider] += value;
    }
  };
  if (stop_requested_) riders[kStop] += 1;
  stop_requested_ = false;
  add(kDataWait, data_wait_s_);
  add(kCommunicationWait, communication_wait_s_.value_or(0));
  riders[kMemoryPeak] += memory_peak_bytes_;  // in units of 2^-40 it would not fit
}

GradientReducer::StepSums GradientReducer::finalize(torch::Tensor& gradients, std::int64_t num_micro_batches) {
  torch::Tensor riders = buffer_.narrow(0, num_gradients_, kNumRiders);
  add_notes(riders);
  const Stopwatch watch;
  group_.all_reduce_sum(buffer_, "the gradient sum of a step");
  reduction_s_ = watch.elapsed_s();

  StepSums result;
  const torch::Tensor riders_cpu = riders.to(torch::kCPU, torch::kFloat64);
  const double unit = sums_ == Sums::exact ? 1 / kExactUnitsPerOne : 1;
  result.mean_loss = riders_cpu[kLoss].item<double>() * unit / static_cast<double>(num_micro_batches);
  result.num_nonfinite = static_cast<std::int64_t>(riders_cpu[kNonfinite].item<double>());
  result.stop_requested = riders_cpu[kStop].item<double>() > 0;
  result.mean_data_wait_s = riders_cpu[kDataWait].item<double>() * unit / group_.size();
  result.mean_communication_wait_s = communication_wait_s_
                                         ? riders_cpu[kCommunicationWait].item<double>() * unit / group_.size()
                                         : std::numeric_limits<double>::quiet_NaN();
  communication_wait_s_.reset();
  result.mean_memory_peak_bytes = riders_cpu[kMemoryPeak].item<double>() / group_.size();

  const torch::Tensor sums = buffer_.narrow(0, 0, num_gradients_);
  if (sums_ == Sums::fast) {
    gradients.copy_(sums).div_(static_cast<double>(num_micro_batches));
    if (!std::isfinite(gradients.sum().item<float>()))
      result.num_nonfinite = std::max<std::int64_t>(result.num_nonfinite, 1);
  } else if (gradients.is_cuda()) {
    gradients.copy_(sums.to(torch::kFloat64).div_(kExactUnitsPerOne * static_cast<double>(num_micro_batches)));
  } else {
    exact_mean(std::span(sums.data_ptr<std::int64_t>(), num_gradients_), num_micro_batches,
               std::span(gradients.data_ptr<float>(), num_gradients_));
  }
  buffer_.zero_();
  return result;
}

}  // namespace incubate
