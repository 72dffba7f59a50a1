#include "train/gradient_reducer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <c10/core/StreamGuard.h>
#include <torch/torch.h>

#include "gpu/exact_sums.h"
#include "gpu/streams.h"

namespace incubate {
namespace {

/// Integers that are summed besides the addends. The notes follow.
enum Number : std::int64_t { kLoss, kNonfinite, kWeight, kNotes };

constexpr std::int64_t kNumNumbers = kNotes + StepNotes::kSize;

}  // namespace

GradientReducer::GradientReducer(ProcessGroup& group, Sums kind, std::int64_t num_gradients, std::int64_t num_addends,
                                 MeanFor mean_for)
    : group_(group), kind_(kind), mean_for_(mean_for), num_gradients_(num_gradients), num_addends_(num_addends) {
  const auto options = torch::dtype(torch::kInt64).device(group.device());
  sums_ = torch::empty({num_addends}, kind == Sums::exact ? options : options.dtype(torch::kFloat32));
  numbers_ = torch::zeros({kNumNumbers}, options);
  is_out_of_range_ = torch::zeros({1}, options.dtype(torch::kInt32));
}

void GradientReducer::sum_early(const torch::Tensor& addends, Share range, const std::string& what) {
  const torch::NoGradGuard no_grad;
  add_range(addends, range);
  early_ = {range.begin, early_.size() == 0 ? range.end : early_.end};
  torch::Tensor sums = sums_.narrow(0, range.begin, range.size());
  if (!addends.is_cuda()) return group_.all_reduce_sum(sums, what);
  if (!beside_) beside_ = urgent_stream(group_.device());
  put_in_order(current_stream(group_.device()), *beside_);
  const c10::StreamGuard guard(*beside_);
  group_.all_reduce_sum(sums, what);
}

void GradientReducer::add(const torch::Tensor& addends, const Loss& loss) {
  TORCH_INTERNAL_ASSERT(addends.numel() == num_addends_ && addends.is_contiguous());
  const torch::NoGradGuard no_grad;
  add_range(addends, {0, early_.begin});
  add_range(addends, {early_.end, num_addends_});
  add_loss(loss);
  has_addends_ = true;
}

void GradientReducer::add_range(const torch::Tensor& addends, Share range) {
  if (range.size() == 0) return;
  if (kind_ == Sums::fast) {
    torch::Tensor sums = sums_.narrow(0, range.begin, range.size());
    const torch::Tensor part = addends.narrow(0, range.begin, range.size());
    has_addends_ ? sums.add_(part) : sums.copy_(part);
    return;
  }
  const std::span<const float> part(addends.data_ptr<float>() + range.begin, range.size());
  const std::span<std::int64_t> sums(sums_.data_ptr<std::int64_t>() + range.begin, range.size());
  auto* is_out_of_range = is_out_of_range_.data_ptr<std::int32_t>();
  if (addends.is_cuda()) {
    return gpu::add_gradients(part, !has_addends_, sums.data(), is_out_of_range);
  }
  const auto add_to_sums = has_addends_ ? add_exactly : begin_exactly;
  if (add_to_sums(part, sums) != Addends::all_in_range) *is_out_of_range = 1;
}

void GradientReducer::add_loss(const Loss& loss) {
  numbers_.narrow(0, kWeight, 1).add_(loss.weight);
  auto* numbers = numbers_.data_ptr<std::int64_t>();
  auto* is_out_of_range = is_out_of_range_.data_ptr<std::int32_t>();
  if (loss.value.is_cuda()) {
    return gpu::add_loss(
        loss.value.data_ptr<float>(),
        {.loss = numbers + kLoss, .num_out_of_range = numbers + kNonfinite, .is_out_of_range = is_out_of_range});
  }
  const float value = *loss.value.data_ptr<float>();
  const bool in_range = std::fabs(value) < kLargestExactAddend && *is_out_of_range == 0;
  if (in_range) numbers[kLoss] += to_exact_units(value);
  if (!in_range) ++numbers[kNonfinite];
  *is_out_of_range = 0;
}

/// Returns the numbers, summed over all ranks.
torch::Tensor GradientReducer::sum_numbers(const StepNotes& notes, const std::string& what) {
  const torch::Tensor own_notes =
      torch::empty({StepNotes::kSize}, torch::dtype(torch::kInt64).pinned_memory(group_.device().is_cuda()));
  std::ranges::copy(notes.pack(), own_notes.data_ptr<std::int64_t>());
  torch::Tensor sums = numbers_.clone();
  sums.narrow(0, kNotes, StepNotes::kSize).copy_(own_notes, /*non_blocking=*/true);
  group_.all_reduce_sum(sums, what);
  return sums;
}

GradientReducer::Pending GradientReducer::finalize(torch::Tensor& addends, const Divisors& divisors,
                                                   const StepNotes& notes, const std::string& what) {
  const torch::NoGradGuard no_grad;
  if (!has_addends_) sums_.zero_();
  DeviceStopwatch watch(group_.device());
  const torch::Tensor numbers = sum_numbers(notes, what);
  sum_addends(addends, numbers.narrow(0, kWeight, 1), divisors, what);
  watch.stop();
  is_bad_ = numbers[kNonfinite] > 0;
  has_addends_ = false;
  numbers_.zero_();
  return {
      .what = what, .nominal_weight = divisors.nominal_weight, .numbers = HostCopy(numbers), .watch = std::move(watch)};
}

void GradientReducer::sum_addends(torch::Tensor& addends, const torch::Tensor& weight, const Divisors& divisors,
                                  const std::string& what) {
  if (early_.size() == 0) {
    group_.sum_shares(sums_, what);
    write_mean(addends, group_.chunk(addends), weight, divisors);
    if (mean_for_ == MeanFor::all_ranks) group_.share_values(addends, what);
    return;
  }
  if (beside_) put_in_order(*beside_, current_stream(group_.device()));
  for (const Share rest : {Share{0, early_.begin}, Share{early_.end, num_addends_}}) {
    torch::Tensor sums = sums_.narrow(0, rest.begin, rest.size());
    if (rest.size() > 0) group_.all_reduce_sum(sums, what);
  }
  const bool for_owner = mean_for_ == MeanFor::owner;
  write_mean(addends, for_owner ? group_.chunk(addends) : Share{0, num_addends_}, weight, divisors);
  early_ = {};
}

void GradientReducer::write_mean(torch::Tensor& addends, Share part, const torch::Tensor& weight,
                                 const Divisors& divisors) {
  // Without any weight the sums are 0, and so is the mean.
  const torch::Tensor of_gradients = weight.clamp_min(1).to(torch::kFloat64).div_(divisors.nominal_weight);
  const torch::Tensor of_statistics = torch::full_like(of_gradients, divisors.num_micro_batches);
  const auto divide = [&](Share range, const torch::Tensor& divisor) {
    if (range.size() <= 0) return;
    torch::Tensor mean = addends.narrow(0, range.begin, range.size());
    const torch::Tensor sums = sums_.narrow(0, range.begin, range.size());
    if (kind_ == Sums::fast) {
      mean.copy_(sums).div_(divisor.to(torch::kFloat32));
    } else if (mean.is_cuda()) {
      gpu::exact_mean(sums.data_ptr<std::int64_t>(), range.size(), divisor.data_ptr<double>(), mean.data_ptr<float>());
    } else {
      exact_mean(std::span(sums.data_ptr<std::int64_t>(), range.size()), *divisor.data_ptr<double>(),
                 std::span(mean.data_ptr<float>(), range.size()));
    }
  };
  divide({part.begin, std::min(part.end, num_gradients_)}, of_gradients);
  divide({std::max(part.begin, num_gradients_), part.end}, of_statistics);
}

GradientReducer::StepSums GradientReducer::read(const Pending& pending) {
  group_.wait_for(pending.numbers, pending.what);
  const auto* numbers = pending.numbers.values().data_ptr<std::int64_t>();
  std::array<std::int64_t, StepNotes::kSize> notes{};
  std::copy_n(numbers + kNotes, notes.size(), notes.begin());
  const double weight = static_cast<double>(std::max<std::int64_t>(numbers[kWeight], 1));
  return {.mean_loss = from_exact_units(numbers[kLoss]) / (weight / static_cast<double>(pending.nominal_weight)),
          .num_nonfinite = numbers[kNonfinite],
          .notes = StepNotes::unpack(notes),
          .reduction_s = pending.watch.elapsed_s()};
}

}  // namespace incubate
