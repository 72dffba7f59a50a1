#include "parallel/gradient_reducer.h"

#include <cmath>
#include <limits>

#include <torch/torch.h>

#include "base/stopwatch.h"

namespace incubate {
namespace {

enum Rider : std::int64_t { kLoss, kNonfinite, kStop, kDataWait, kCommunicationWait, kMemoryPeak, kNumRiders };

}  // namespace

GradientReducer::GradientReducer(ProcessGroup& group, Sums kind, std::int64_t num_gradients)
    : group_(group), kind_(kind), num_gradients_(num_gradients) {
  const auto options = torch::dtype(kind == Sums::exact ? torch::kInt64 : torch::kFloat32).device(group.device());
  sums_ = torch::empty({num_gradients}, options);
  riders_ = torch::zeros({kNumRiders}, options);
}

void GradientReducer::add(const torch::Tensor& gradients, double loss) {
  TORCH_INTERNAL_ASSERT(gradients.numel() == num_gradients_ && gradients.is_contiguous());
  if (kind_ == Sums::exact) {
    add_exact(gradients, loss);
  } else {
    add_fast(gradients, loss);
  }
  has_addends_ = true;
}

void GradientReducer::add_exact(const torch::Tensor& gradients, double loss) {
  bool in_range = std::fabs(loss) < kLargestExactAddend;
  if (gradients.is_cuda()) {
    in_range = in_range && gradients.abs().max().item<float>() < kLargestExactAddend;  // false for NaN
    const torch::Tensor addends = gradients.to(torch::kFloat64).mul_(kExactUnitsPerOne).round_().to(torch::kInt64);
    has_addends_ ? sums_.add_(addends) : sums_.copy_(addends);
  } else {
    const auto add_to_sums = has_addends_ ? add_exactly : begin_exactly;
    const Addends addends = add_to_sums(std::span(gradients.data_ptr<float>(), num_gradients_),
                                        std::span(sums_.data_ptr<std::int64_t>(), num_gradients_));
    in_range = in_range && addends == Addends::all_in_range;
  }
  riders_[kLoss] += to_exact_units(loss);
  riders_[kNonfinite] += in_range ? 0 : 1;
}

void GradientReducer::add_fast(const torch::Tensor& gradients, double loss) {
  has_addends_ ? sums_.add_(gradients) : sums_.copy_(gradients);
  riders_[kLoss] += loss;
  riders_[kNonfinite] += std::isfinite(loss) ? 0 : 1;
}

void GradientReducer::add_notes() {
  const auto add = [&](Rider rider, double value) {
    if (kind_ == Sums::exact) {
      riders_[rider] += to_exact_units(value);
    } else {
      riders_[rider] += value;
    }
  };
  if (stop_requested_) riders_[kStop] += 1;
  stop_requested_ = false;
  add(kDataWait, data_wait_s_);
  add(kCommunicationWait, communication_wait_s_.value_or(0));
  riders_[kMemoryPeak] += memory_peak_bytes_;  // in units of 2^-40 it would not fit
}

GradientReducer::StepSums GradientReducer::finalize(torch::Tensor& gradients, std::int64_t num_micro_batches) {
  const std::string what = "the gradient sum of a step";
  add_notes();
  if (!has_addends_) sums_.zero_();
  Stopwatch watch;
  group_.all_reduce_sum(riders_, what);
  const Share share = group_.sum_shares(sums_, what);
  reduction_s_ = watch.elapsed_s();
  write_mean(gradients, num_micro_batches, share);
  watch.restart();
  group_.share_values(gradients, what);
  reduction_s_ += watch.elapsed_s();

  StepSums result;
  const torch::Tensor riders = riders_.to(torch::kCPU, torch::kFloat64);
  const double unit = kind_ == Sums::exact ? 1 / kExactUnitsPerOne : 1;
  result.mean_loss = riders[kLoss].item<double>() * unit / static_cast<double>(num_micro_batches);
  result.num_nonfinite = static_cast<std::int64_t>(riders[kNonfinite].item<double>());
  result.stop_requested = riders[kStop].item<double>() > 0;
  result.mean_data_wait_s = riders[kDataWait].item<double>() * unit / group_.size();
  result.mean_communication_wait_s = communication_wait_s_
                                         ? riders[kCommunicationWait].item<double>() * unit / group_.size()
                                         : std::numeric_limits<double>::quiet_NaN();
  communication_wait_s_.reset();
  result.mean_memory_peak_bytes = riders[kMemoryPeak].item<double>() / group_.size();
  if (kind_ == Sums::fast && !std::isfinite(gradients.sum().item<float>())) {
    result.num_nonfinite = std::max<std::int64_t>(result.num_nonfinite, 1);
  }
  has_addends_ = false;
  riders_.zero_();
  return result;
}

void GradientReducer::write_mean(torch::Tensor& gradients, std::int64_t num_micro_batches, Share share) const {
  torch::Tensor mean = gradients.narrow(0, share.begin, share.size());
  const torch::Tensor sums = sums_.narrow(0, share.begin, share.size());
  const auto count = static_cast<double>(num_micro_batches);
  if (kind_ == Sums::fast) {
    mean.copy_(sums).div_(count);
  } else if (gradients.is_cuda()) {
    mean.copy_(sums.to(torch::kFloat64).div_(kExactUnitsPerOne * count));
  } else {
    exact_mean(std::span(sums.data_ptr<std::int64_t>(), share.size()), num_micro_batches,
               std::span(mean.data_ptr<float>(), share.size()));
  }
}

}  // namespace incubate
