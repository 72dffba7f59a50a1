#include "train/gradient_reducer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <c10/core/StreamGuard.h>
#include <torch/torch.h>

#include "gpu/exact_sums.h"
#include "gpu/streams.h"

namespace incubate {
namespace {

enum Rider : std::int64_t {
  kLoss,
  kNonfinite,
  kBadMean,
  kStop,
  kSave,
  kDataWait,
  kCommunicationWait,
  kMemoryPeak,
  kNumRiders
};

}  // namespace

GradientReducer::GradientReducer(ProcessGroup& group, Sums kind, std::int64_t num_gradients, MeanFor mean_for)
    : group_(group), kind_(kind), mean_for_(mean_for), num_gradients_(num_gradients) {
  const auto options = torch::dtype(kind == Sums::exact ? torch::kInt64 : torch::kFloat32).device(group.device());
  sums_ = torch::empty({num_gradients}, options);
  riders_ = torch::zeros({kNumRiders}, options);
  is_out_of_range_ = torch::zeros({1}, options.dtype(torch::kInt32));
}

void GradientReducer::sum_early(const torch::Tensor& gradients, Share range, const std::string& what) {
  const torch::NoGradGuard no_grad;
  add_gradients(gradients, range);
  early_ = {range.begin, early_.size() == 0 ? range.end : early_.end};
  torch::Tensor sums = sums_.narrow(0, range.begin, range.size());
  if (!gradients.is_cuda()) return group_.all_reduce_sum(sums, what);
  if (!beside_) beside_ = urgent_stream(group_.device());
  put_in_order(current_stream(group_.device()), *beside_);
  const c10::StreamGuard guard(*beside_);
  group_.all_reduce_sum(sums, what);
}

void GradientReducer::add(const torch::Tensor& gradients, const torch::Tensor& loss) {
  TORCH_INTERNAL_ASSERT(gradients.numel() == num_gradients_ && gradients.is_contiguous());
  const torch::NoGradGuard no_grad;
  add_gradients(gradients, {0, early_.begin});
  add_gradients(gradients, {early_.end, num_gradients_});
  add_loss(loss);
  has_addends_ = true;
}

void GradientReducer::add_gradients(const torch::Tensor& gradients, Share range) {
  if (range.size() == 0) return;
  if (kind_ == Sums::fast) {
    torch::Tensor sums = sums_.narrow(0, range.begin, range.size());
    const torch::Tensor addends = gradients.narrow(0, range.begin, range.size());
    has_addends_ ? sums.add_(addends) : sums.copy_(addends);
    return;
  }
  const std::span<const float> addends(gradients.data_ptr<float>() + range.begin, range.size());
  const std::span<std::int64_t> sums(sums_.data_ptr<std::int64_t>() + range.begin, range.size());
  auto* is_out_of_range = is_out_of_range_.data_ptr<std::int32_t>();
  if (gradients.is_cuda()) {
    return gpu::add_gradients(addends, !has_addends_, sums.data(), is_out_of_range);
  }
  const auto add_to_sums = has_addends_ ? add_exactly : begin_exactly;
  if (add_to_sums(addends, sums) != Addends::all_in_range) *is_out_of_range = 1;
}

void GradientReducer::add_loss(const torch::Tensor& loss) {
  if (kind_ == Sums::fast) {
    riders_[kLoss] += loss.nan_to_num(0, 0, 0);
    riders_[kNonfinite] += loss.isfinite().logical_not();
    return;
  }
  auto* riders = riders_.data_ptr<std::int64_t>();
  auto* is_out_of_range = is_out_of_range_.data_ptr<std::int32_t>();
  if (loss.is_cuda()) {
    return gpu::add_loss(
        loss.data_ptr<float>(),
        {.loss = riders + kLoss, .num_out_of_range = riders + kNonfinite, .is_out_of_range = is_out_of_range});
  }
  const float value = *loss.data_ptr<float>();
  const bool in_range = std::fabs(value) < kLargestExactAddend && *is_out_of_range == 0;
  if (in_range) riders[kLoss] += to_exact_units(value);
  if (!in_range) ++riders[kNonfinite];
  *is_out_of_range = 0;
}

/// What this rank adds to the sums, in their type.
torch::Tensor GradientReducer::notes() {
  const bool is_gpu = group_.device().is_cuda();
  const torch::Tensor notes = torch::zeros({kNumRiders}, torch::dtype(riders_.scalar_type()).pinned_memory(is_gpu));
  const auto note = [&](Rider rider, double value, double unit) {
    if (kind_ == Sums::exact) {
      notes.data_ptr<std::int64_t>()[rider] = std::llround(value / unit);
    } else {
      notes.data_ptr<float>()[rider] = static_cast<float>(value);
    }
  };
  const double unit = 1 / kExactUnitsPerOne;
  note(kStop, std::exchange(stop_requested_, false) ? 1 : 0, 1);
  note(kSave, std::exchange(save_requested_, false) ? 1 : 0, 1);
  note(kDataWait, data_wait_s_, unit);
  note(kCommunicationWait, communication_wait_s_.value_or(0), unit);
  note(kMemoryPeak, static_cast<double>(memory_peak_bytes_), 1);  // in units of 2^-40 it would not fit
  return notes.to(group_.device(), /*non_blocking=*/true);
}

GradientReducer::Pending GradientReducer::finalize(torch::Tensor& gradients, std::int64_t num_micro_batches,
                                                   const std::string& what) {
  const torch::NoGradGuard no_grad;
  riders_.add_(notes());
  if (!has_addends_) sums_.zero_();
  DeviceStopwatch watch(group_.device());
  sum_gradients(gradients, num_micro_batches, what);
  group_.all_reduce_sum(riders_, what);
  watch.stop();
  is_bad_ = (riders_[kNonfinite] + riders_[kBadMean] > 0).to(torch::kFloat32);
  Pending pending = {.what = what,
                     .num_micro_batches = num_micro_batches,
                     .numbers = HostCopy(riders_.to(torch::kFloat64)),
                     .watch = std::move(watch),
                     .has_communication_wait = communication_wait_s_.has_value()};
  communication_wait_s_.reset();
  has_addends_ = false;
  riders_.zero_();
  return pending;
}

void GradientReducer::sum_gradients(torch::Tensor& gradients, std::int64_t num_micro_batches, const std::string& what) {
  if (early_.size() == 0) {
    group_.sum_shares(sums_, what);
    write_mean(gradients, num_micro_batches, group_.chunk(gradients));
    if (mean_for_ == MeanFor::all_ranks) group_.share_values(gradients, what);
    return;
  }
  if (beside_) put_in_order(*beside_, current_stream(group_.device()));
  for (const Share rest : {Share{0, early_.begin}, Share{early_.end, num_gradients_}}) {
    torch::Tensor sums = sums_.narrow(0, rest.begin, rest.size());
    if (rest.size() > 0) group_.all_reduce_sum(sums, what);
  }
  const bool for_owner = mean_for_ == MeanFor::owner;
  write_mean(gradients, num_micro_batches, for_owner ? group_.chunk(gradients) : Share{0, num_gradients_});
  early_ = {};
}

void GradientReducer::write_mean(torch::Tensor& gradients, std::int64_t num_micro_batches, Share part) {
  torch::Tensor mean = gradients.narrow(0, part.begin, part.size());
  const torch::Tensor sums = sums_.narrow(0, part.begin, part.size());
  if (kind_ == Sums::fast) {
    mean.copy_(sums).div_(static_cast<double>(num_micro_batches));
    riders_[kBadMean] += mean.sum().isfinite().logical_not();  // a sum of what is finite may not be
  } else if (mean.is_cuda()) {
    gpu::exact_mean(sums.data_ptr<std::int64_t>(), part.size(), num_micro_batches, mean.data_ptr<float>());
  } else {
    exact_mean(std::span(sums.data_ptr<std::int64_t>(), part.size()), num_micro_batches,
               std::span(mean.data_ptr<float>(), part.size()));
  }
}

GradientReducer::StepSums GradientReducer::read(const Pending& pending) {
  group_.wait_for(pending.numbers, pending.what);
  const double unit = kind_ == Sums::exact ? 1 / kExactUnitsPerOne : 1;
  const auto* numbers = pending.numbers.values().data_ptr<double>();
  return {.mean_loss = numbers[kLoss] * unit / static_cast<double>(pending.num_micro_batches),
          .num_nonfinite = static_cast<std::int64_t>(std::max(numbers[kNonfinite], numbers[kBadMean] > 0 ? 1.0 : 0.0)),
          .stop_requested = numbers[kStop] > 0,
          .save_requested = numbers[kSave] > 0,
          .mean_data_wait_s = numbers[kDataWait] * unit / group_.size(),
          .mean_communication_wait_s = pending.has_communication_wait
                                           ? numbers[kCommunicationWait] * unit / group_.size()
                                           : std::numeric_limits<double>::quiet_NaN(),
          .mean_memory_peak_bytes = numbers[kMemoryPeak] / group_.size(),
          .reduction_s = pending.watch.elapsed_s()};
}

}  // namespace incubate
