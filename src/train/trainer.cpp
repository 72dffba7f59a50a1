#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <torch/torch.h>

#include "base/check.h"
#include "model/drop_path.h"
#include "train/gradient_norm.h"

namespace incubate {
namespace {

/// The unit of statistics in sums. With it exact sums (see exact_sum.h) hold variances up to 2^20: activations can
/// exceed the gradients' bound. A power of two scales without rounding.
constexpr double kStatisticUnit = 1024;

/// The fraction by which a step moves running statistics towards its own: PyTorch's default.
constexpr double kMomentum = 0.1;

/// Fewest gradients in an early sum: 25 MiB, as in PyTorch's DistributedDataParallel (Li et al., VLDB 2020).
constexpr std::int64_t kFewestInBucket = (25 << 20) / sizeof(float);

/// A training that skips so many steps in a row does not recover.
constexpr std::int64_t kMostSkippedInRow = 10;

}  // namespace

Trainer::Trainer(StagedModel& model, const Task& task, ProcessGroup& group, TrainerSettings settings)
    : model_(model),
      group_(group),
      settings_(std::move(settings)),
      task_(task),
      parameters_(model, group.device()),
      optimizer_(make_optimizer(parameters_, own_parameters(), settings_.optimizer, settings_.recipe)),
      reducer_(group, settings_.sums, parameters_.gradients().numel(), parameters_.size(),
               settings_.shard_optimizer ? MeanFor::owner : MeanFor::all_ranks),
      schedule_(
          make_lr_schedule(settings_.recipe, settings_.global_batch, settings_.steps_per_epoch, settings_.total_steps)),
      drop_path_rates_(incubate::drop_path_rates(settings_.recipe.drop_path, model.spec().num_blocks())) {
  if (settings_.recipe.ema_decay > 0) average_.emplace(parameters_.values());
  const bool has_drops = std::ranges::any_of(drop_path_rates_, [](double rate) { return rate > 0; });
  if (settings_.cuda_graph && !has_drops) {
    recorded_.emplace([this](const RecordedPass::Tensors& in) {
      const auto maps_end = in.begin() + 1 + std::ssize(model_.request().map_stages);
      const Loss loss = pass({in[0], {in.begin() + 1, maps_end}}, {maps_end, in.end()}, {});
      return RecordedPass::Tensors{loss.value, loss.weight};
    });
  }
  // A rank without a micro-batch has no backward pass in which early sums could begin.
  const bool all_have_passes = settings_.micro_batches() >= group.size();
  if (settings_.overlap_reduction && !recorded_ && group.size() > 1 && all_have_passes) {
    buckets_.emplace(parameters_, kFewestInBucket,
                     [this](Share range) { reducer_.sum_early(parameters_.addends(), range, name_of_sum()); });
  }
  model_.update_copies();
}

void Trainer::swap_result() {
  if (!average_) return;
  average_->swap_with(parameters_.values());
  model_.update_learning_copies();
}

/// Returns the part of the flat buffers that this rank updates.
Share Trainer::own_part() {
  return settings_.shard_optimizer ? group_.chunk(parameters_.values()) : Share{0, parameters_.size()};
}

/// Returns the part of own_part() that holds parameters; statistics follow behind it.
Share Trainer::own_parameters() {
  const Share own = own_part();
  const std::int64_t size = parameters_.gradients().numel();
  return {std::min(own.begin, size), std::min(own.end, size)};
}

torch::Tensor Trainer::gather_optimizer_state(std::size_t index) {
  const StateBuffer& part = optimizer_->state()[index];
  if (!settings_.shard_optimizer) return part.values;
  const torch::NoGradGuard no_grad;
  const Share own = own_parameters();
  torch::Tensor values = torch::zeros_like(parameters_.values());  // the size that is cut into chunks
  values.narrow(0, own.begin, own.size()).copy_(part.values);
  const std::string what =
      fmt::format("gathering the optimizer's state after {} steps of {}", steps_done_, settings_.name);
  group_.share_values(values, what);
  group_.wait_for(HostCopy(values.narrow(0, 0, 1)), what);
  return values.narrow(0, 0, parameters_.gradients().numel());
}

std::vector<NamedState> Trainer::list_state() {
  const auto copy_into = [](torch::Tensor& buffer) {
    return [&buffer](const torch::Tensor& values) {
      const torch::NoGradGuard no_grad;
      buffer.copy_(values);
    };
  };
  torch::Tensor& values = parameters_.values();
  std::vector<NamedState> list = {{"stages", parameters_.views(), [&values] { return values; }, copy_into(values)}};
  const std::vector<std::string> names = list_state_names(settings_.optimizer);
  for (std::size_t i = 0; i < names.size(); ++i) {
    list.push_back({"optimizer/" + names[i], parameters_.parameter_views(),
                    [this, i] { return gather_optimizer_state(i); },
                    [this, i](const torch::Tensor& all) {
                      const torch::NoGradGuard no_grad;
                      const Share own = own_parameters();
                      optimizer_->state()[i].values.copy_(all.narrow(0, own.begin, own.size()));
                    }});
  }
  if (average_) {
    torch::Tensor& average = average_->values();
    list.push_back({"ema", parameters_.views(), [&average] { return average; }, copy_into(average)});
  }
  return list;
}

void Trainer::resume(std::int64_t steps_done, std::int64_t steps_skipped) {
  steps_done_ = steps_done;
  steps_skipped_ = steps_skipped;
  optimizer_->resume(steps_done - steps_skipped);
  model_.update_learning_copies();
}

void Trainer::accumulate(const Activations& input, const Targets& targets, KeptBranches kept, bool is_last) {
  // Allocating for a recording frees memory. CUDA does that only when the GPU is idle.
  if (recorded_ && !recorded_->is_recorded()) wait_for_open_steps();
  if (buckets_ && is_last) buckets_->arm();
  const Loss loss = recorded_ ? replay(input, targets) : pass(input, targets, kept);
  if (buckets_ && is_last) buckets_->finish();
  RECORD_USER_SCOPE("add gradients");
  reducer_.add(parameters_.addends(), loss);
}

/// Does the same as pass(), from the recording.
Loss Trainer::replay(const Activations& input, const Targets& targets) {
  RecordedPass::Tensors in = {input.x};
  in.insert(in.end(), input.maps.begin(), input.maps.end());
  in.insert(in.end(), targets.begin(), targets.end());
  const RecordedPass::Tensors out = (*recorded_)(in);
  return {out[0], out[1]};
}

/// Computes a micro-batch's addends and returns its loss.
Loss Trainer::pass(const Activations& input, const Targets& targets, KeptBranches kept) {
  parameters_.addends().zero_();
  Loss loss;
  {
    RECORD_USER_SCOPE("forward");
    loss = task_.loss(model_.forward_from(model_.first_learning(), input, kept), targets);
  }
  // CUDA queues about 1,024 launches; the next one blocks in the driver, where nobody notices a stuck collective of the
  // step before. A forward pass usually has fewer launches, and keeps the GPU busy until this wait ends.
  if (!recorded_) wait_for_open_steps();
  RECORD_USER_SCOPE("backward");
  loss.value.backward();
  parameters_.batch_statistics().div_(kStatisticUnit);
  return {loss.value.detach(), loss.weight};
}

/// Waits for the devices only; complete_step() reads the results.
void Trainer::wait_for_open_steps() {
  for (const OpenStep& open : open_steps_) group_.wait_for(open.gradient_norm, open.sums.what);
}

std::string Trainer::name_of_sum() const {
  return fmt::format("the gradient sum of step {} of {}", steps_done_, settings_.name);
}

void Trainer::finish_step(const StepNotes& notes) {
  const std::string what = name_of_sum();
  const double learning_rate = learning_rate_at(schedule_, steps_done_);
  std::optional<GradientReducer::Pending> sums;
  {
    RECORD_USER_SCOPE("reduce");
    sums = reducer_.finalize(parameters_.addends(),
                             {.nominal_weight = task_.nominal_weight(settings_.recipe.micro),
                              .num_micro_batches = settings_.micro_batches()},
                             notes, what);
  }
  RECORD_USER_SCOPE("update");
  const torch::Tensor norm =
      gradient_norm(parameters_.addends(), parameters_.gradients().numel(), group_, settings_.shard_optimizer, what);
  const torch::Tensor is_bad = reducer_.is_bad().logical_or(norm.isfinite().logical_not()).to(torch::kFloat32);
  update(norm, is_bad, learning_rate);
  open_steps_.push_back({steps_done_, learning_rate, std::move(*sums), HostCopy(norm)});
  ++steps_done_;
}

void Trainer::update(const torch::Tensor& gradient_norm, const torch::Tensor& is_bad, double learning_rate) {
  const torch::NoGradGuard no_grad;
  const double largest = settings_.recipe.clip_norm;
  const torch::Tensor divisor =
      largest > 0 ? (gradient_norm / largest).clamp_min(1).to(torch::kFloat32) : torch::Tensor();
  optimizer_->update(learning_rate, divisor, is_bad);
  move_statistics(is_bad);
  if (settings_.shard_optimizer) {
    group_.share_values(parameters_.values(),
                        fmt::format("sharing the weights of step {} of {}", steps_done_, settings_.name));
  }
  if (average_) average_->update(parameters_.values(), is_bad, average_decay(settings_.recipe, steps_done_));
  model_.update_learning_copies();
}

void Trainer::move_statistics(const torch::Tensor& is_bad) {
  const std::int64_t num_parameters = parameters_.gradients().numel();
  const Share own = own_part();
  const std::int64_t begin = std::max(own.begin, num_parameters) - num_parameters;
  const std::int64_t end = std::max(own.end, num_parameters) - num_parameters;
  if (begin == end) return;
  torch::Tensor running = parameters_.running_statistics().narrow(0, begin, end - begin);
  const torch::Tensor batch = parameters_.batch_statistics().narrow(0, begin, end - begin);
  const torch::Tensor moved = running.mul(1 - kMomentum).add_(batch, kMomentum * kStatisticUnit);
  running.copy_(torch::where(is_bad > 0, running, moved));
}

CompletedStep Trainer::complete_step() {
  const OpenStep open = std::move(open_steps_.front());
  open_steps_.pop_front();
  const GradientReducer::StepSums sums = reducer_.read(open.sums);
  group_.wait_for(open.gradient_norm, open.sums.what);
  is_stop_agreed_ = sums.notes.stop > 0;
  is_save_agreed_ = is_save_agreed_ || sums.notes.save > 0;
  CompletedStep step{.step = open.step,
                     .learning_rate = open.learning_rate,
                     .loss = sums.mean_loss,
                     .gradient_norm = open.gradient_norm.values().item<double>(),
                     .notes = sums.notes,
                     .reduction_s = sums.reduction_s};
  if (sums.num_nonfinite > 0 || !std::isfinite(step.gradient_norm)) {
    skip_step(step, std::max<std::int64_t>(sums.num_nonfinite, 1));
  } else {
    skipped_in_row_ = 0;
  }
  return step;
}

void Trainer::skip_step(CompletedStep& step, std::int64_t num_nonfinite) {
  const bool has_statistics = parameters_.views().size() > parameters_.parameter_views().size();
  nonfinite_message_ = fmt::format(
      "{}: step {} has a loss or gradient that is not finite, or above {},{} in {} of {} micro-batches.",
      settings_.name, step.step, kLargestExactAddend,
      has_statistics ? fmt::format(" or a batch norm statistic above {},", kLargestExactAddend * kStatisticUnit) : "",
      num_nonfinite, settings_.micro_batches());
  if (settings_.on_nonfinite == OnNonfinite::stop) {
    fail(nonfinite_message_ +
         " The step was not applied; checkpoints before it are good. Lower the learning rate, clip the gradient, or "
         "leave such steps out (train.on_nonfinite=skip).");
  }
  ++skipped_in_row_;
  if (skipped_in_row_ == kMostSkippedInRow) {
    fail(
        fmt::format("{} It is the last of {} such steps in a row, which were skipped: from its weights the training "
                    "cannot go on. Lower the learning rate or clip the gradient.",
                    nonfinite_message_, kMostSkippedInRow));
  }
  step.loss = step.gradient_norm = std::numeric_limits<double>::quiet_NaN();
  ++steps_skipped_;
}

void Trainer::fail(const std::string& message) const {
  if (!group_.is_leader()) throw PeerFailure(message);
  throw std::runtime_error(message);
}

bool Trainer::is_evaluation_due() const { return is_done() || steps_done_ % settings_.evaluate_every == 0; }

std::string Trainer::judge(const Figures& evaluation) const {
  if (are_finite(evaluation)) return "";
  const std::string message =
      fmt::format("{}: the evaluation after step {} is not finite: the network gives no usable outputs any more.",
                  settings_.name, steps_done_);
  if (settings_.on_nonfinite == OnNonfinite::skip) return message + " Training goes on (train.on_nonfinite=skip).";
  fail(message +
       " Lower the learning rate or clip the gradient and begin again, or record it so and go on "
       "(train.on_nonfinite=skip).");
}

}  // namespace incubate
