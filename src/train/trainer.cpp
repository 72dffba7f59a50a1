#include "train/trainer.h"

#include <cmath>
#include <limits>
#include <utility>

#include <torch/torch.h>

#include "base/check.h"
#include "model/drop_path.h"
#include "parallel/memory_peak.h"

namespace incubate {
namespace {

/// Statistics are added up in units of this, so that an exact sum (see exact_sum.h) holds variances up to 2^20:
/// activations may well have some above the gradients' bound. A power of two scales without rounding.
constexpr double kStatisticUnit = 1024;

/// What one step moves running statistics by, of the way to its own: PyTorch's default.
constexpr double kMomentum = 0.1;

/// A training that skips so many steps has weights from which no batch leads on.
constexpr std::int64_t kMostSkippedInRow = 10;

}  // namespace

Trainer::Trainer(StagedModel& model, ProcessGroup& group, TrainerSettings settings)
    : model_(model),
      group_(group),
      settings_(std::move(settings)),
      task_(settings_.recipe.label_smoothing),
      parameters_(model, group.device()),
      optimizer_(make_optimizer(parameters_, settings_.optimizer, settings_.recipe)),
      reducer_(group, settings_.sums, parameters_.size()),
      schedule_(
          make_lr_schedule(settings_.recipe, settings_.global_batch, settings_.steps_per_epoch, settings_.total_steps)),
      drop_path_rates_(incubate::drop_path_rates(settings_.recipe.drop_path, model.spec().num_blocks())) {
  if (settings_.recipe.ema_decay > 0) average_.emplace(parameters_.values(), settings_.recipe.ema_decay);
  model_.update_copies();
}

void Trainer::swap_result() {
  if (!average_) return;
  average_->swap_with(parameters_.values());
  model_.update_learning_copies();
}

void Trainer::resume(std::int64_t steps_done, std::int64_t steps_skipped, Metrics metrics, double elapsed_s) {
  steps_done_ = steps_done;
  steps_skipped_ = steps_skipped;
  metrics_ = std::move(metrics);
  elapsed_s_ = elapsed_s;
  model_.update_learning_copies();
}

void Trainer::accumulate(const torch::Tensor& input, const Targets& targets, const torch::Tensor& branch_scales) {
  parameters_.addends().zero_();
  torch::Tensor loss;
  {
    RECORD_USER_SCOPE("forward");
    loss = task_.loss(model_.forward_from(model_.first_learning(), input, branch_scales), targets);
  }
  {
    RECORD_USER_SCOPE("backward");
    loss.backward();
  }
  RECORD_USER_SCOPE("add gradients");
  parameters_.batch_statistics().div_(kStatisticUnit);
  reducer_.add(parameters_.addends(), loss.item<double>());
}

GradientReducer::StepSums Trainer::reduce() {
  RECORD_USER_SCOPE("reduce");
  reducer_.note_memory_peak(memory_peak_bytes(group_.device()));
  return reducer_.finalize(parameters_.addends(), settings_.micro_batches());
}

StepRow Trainer::finish_step() {
  const GradientReducer::StepSums sums = reduce();
  RECORD_USER_SCOPE("update");
  if (!std::isnan(sums.mean_communication_wait_s)) {
    metrics_.steps.back().communication_wait_s = sums.mean_communication_wait_s;
  }
  is_stop_agreed_ = sums.stop_requested;
  StepRow row{.step = steps_done_,
              .loss = sums.mean_loss,
              .learning_rate = learning_rate_at(schedule_, steps_done_),
              .data_wait_s = sums.mean_data_wait_s,
              .memory_peak_bytes = sums.mean_memory_peak_bytes};
  if (sums.num_nonfinite > 0) {
    skip_step(row, sums.num_nonfinite);
  } else {
    skipped_in_row_ = 0;
    row.gradient_norm = clip_norm(parameters_.gradients(), settings_.recipe.clip_norm);
    optimizer_->update(steps_done_ - steps_skipped_, row.learning_rate);
    move_statistics();
    if (average_) average_->update(parameters_.values());
    model_.update_learning_copies();
  }
  ++steps_done_;
  return row;
}

void Trainer::move_statistics() {
  const torch::NoGradGuard no_grad;
  parameters_.running_statistics().mul_(1 - kMomentum).add_(parameters_.batch_statistics(), kMomentum * kStatisticUnit);
}

void Trainer::record_step(StepRow row, double step_s, double own_s) {
  elapsed_s_ += own_s;
  row.images_per_s = static_cast<double>(settings_.global_batch) / step_s;
  row.elapsed_s = elapsed_s_;
  if (settings_.peak_flops > 0) {
    row.model_flops_utilisation = settings_.block_flops_per_image * static_cast<double>(settings_.global_batch) /
                                  (own_s * group_.size() * settings_.peak_flops);
  }
  metrics_.steps.push_back(row);
}

void Trainer::skip_step(StepRow& row, std::int64_t num_nonfinite) {
  const bool has_statistics = parameters_.views().size() > parameters_.parameter_views().size();
  nonfinite_message_ = fmt::format(
      "{}: step {} has a loss or gradient that is not finite, or above {},{} in {} of {} micro-batches.",
      settings_.name, steps_done_, kLargestExactAddend,
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
  row.loss = row.gradient_norm = std::numeric_limits<double>::quiet_NaN();
  ++steps_skipped_;
}

void Trainer::fail(const std::string& message) const {
  if (!group_.is_leader()) throw PeerFailure(message);
  throw std::runtime_error(message);
}

bool Trainer::is_evaluation_due() const {
  return steps_done_ == settings_.total_steps || steps_done_ % settings_.steps_per_epoch == 0;
}

void Trainer::record_evaluation(const Evaluation& evaluation) {
  const std::int64_t since = metrics_.epochs.empty() ? 0 : metrics_.epochs.back().step;
  double loss_sum = 0;
  std::int64_t count = 0;
  for (auto row = metrics_.steps.rbegin(); row != metrics_.steps.rend() && row->step >= since; ++row) {
    if (row->is_skipped()) continue;
    loss_sum += row->loss;
    ++count;
  }
  metrics_.epochs.push_back(
      {.step = steps_done_,
       .epoch = static_cast<double>(steps_done_) / static_cast<double>(settings_.steps_per_epoch),
       .train_loss = count > 0 ? loss_sum / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN(),
       .evaluation = evaluation,
       .block_flops = settings_.block_flops_per_image * static_cast<double>(settings_.global_batch) *
                      static_cast<double>(steps_done_),
       .elapsed_s = elapsed_s_});
}

}  // namespace incubate
