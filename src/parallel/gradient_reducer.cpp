#include "parallel/gradient_reducer.h"

#include <cmath>

#include <torch/torch.h>

namespace incubate {
namespace {

enum Rider : std::int64_t { kLoss, kNonfinite, kStop, kDataWait, kNumRiders };

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

GradientReducer::StepSums GradientReducer::finalize(torch::Tensor& gradients, std::int64_t num_micro_batches) {
  torch::Tensor riders = buffer_.narrow(0, num_gradients_, kNumRiders);
  if (stop_requested_) riders[kStop] += 1;
  stop_requested_ = false;
  if (sums_ == Sums::exact) {
    riders[kDataWait] += to_exact_units(data_wait_s_);
  } else {
    riders[kDataWait] += data_wait_s_;
  }
  group_.all_reduce_sum(buffer_, "the gradient sum of a step");

  StepSums result;
  const torch::Tensor riders_cpu = riders.to(torch::kCPU, torch::kFloat64);
  const double unit = sums_ == Sums::exact ? 1 / kExactUnitsPerOne : 1;
  result.mean_loss = riders_cpu[kLoss].item<double>() * unit / static_cast<double>(num_micro_batches);
  result.num_nonfinite = static_cast<std::int64_t>(riders_cpu[kNonfinite].item<double>());
  result.stop_requested = riders_cpu[kStop].item<double>() > 0;
  result.mean_data_wait_s = riders_cpu[kDataWait].item<double>() * unit / group_.size();

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
