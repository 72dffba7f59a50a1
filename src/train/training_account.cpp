#include "train/training_account.h"

#include <cmath>
#include <limits>
#include <utility>

namespace incubate {
namespace {

constexpr double kNsPerS = 1e9;

}  // namespace

TrainingAccount::TrainingAccount(const Trainer& trainer, int num_ranks)
    : settings_(trainer.settings()), num_ranks_(num_ranks) {
  metrics_.infos = trainer.task().list_metrics();
}

void TrainingAccount::resume(Metrics metrics, double elapsed_s) {
  metrics.infos = std::move(metrics_.infos);  // the file of an older run may lack them
  metrics_ = std::move(metrics);
  elapsed_s_ = elapsed_s;
}

std::optional<std::int64_t> TrainingAccount::take_communication_wait_ns() {
  rows_of_open_steps_.push_back(metrics_.steps.empty() ? 0 : metrics_.steps.size() - 1);
  const std::optional<double> wait_s = std::exchange(new_wait_s_, std::nullopt);
  return wait_s ? std::optional<std::int64_t>(std::llround(*wait_s * kNsPerS)) : std::nullopt;
}

void TrainingAccount::add_step(const CompletedStep& step, double step_s, double own_s, double reduction_s) {
  const auto mean_s = [this](std::int64_t ns) { return static_cast<double>(ns) / kNsPerS / num_ranks_; };
  const std::size_t row_of_wait = rows_of_open_steps_.front();
  rows_of_open_steps_.pop_front();
  if (step.notes.communication_wait_ns) {
    metrics_.steps[row_of_wait].communication_wait_s = mean_s(*step.notes.communication_wait_ns);
  }
  elapsed_s_ += own_s;
  StepRow row{.step = step.step,
              .loss = step.loss,
              .learning_rate = step.learning_rate,
              .gradient_norm = step.gradient_norm,
              .images_per_s = static_cast<double>(settings_.global_batch) / step_s,
              .elapsed_s = elapsed_s_,
              .data_wait_s = mean_s(step.notes.data_wait_ns)};
  row.memory_peak_bytes = static_cast<double>(step.notes.memory_peak_bytes) / num_ranks_;
  if (settings_.peak_flops > 0) {
    row.model_flops_utilisation = settings_.block_flops_per_image * static_cast<double>(settings_.global_batch) /
                                  (own_s * num_ranks_ * settings_.peak_flops);
  }
  metrics_.steps.push_back(row);
  new_wait_s_ = reduction_s;
}

void TrainingAccount::add_evaluation(std::int64_t steps_done, std::int64_t num_samples, const Figures& evaluation) {
  const std::int64_t since = metrics_.epochs.empty() ? 0 : metrics_.epochs.back().step;
  double loss_sum = 0;
  std::int64_t count = 0;
  for (auto row = metrics_.steps.rbegin(); row != metrics_.steps.rend() && row->step >= since; ++row) {
    if (row->is_skipped()) continue;
    loss_sum += row->loss;
    ++count;
  }
  const auto steps = static_cast<double>(steps_done);
  metrics_.epochs.push_back(
      {.step = steps_done,
       .epoch = steps / static_cast<double>(settings_.steps_per_epoch),
       .train_loss = count > 0 ? loss_sum / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN(),
       .block_flops = settings_.block_flops_per_image * static_cast<double>(settings_.global_batch) * steps,
       .elapsed_s = elapsed_s_,
       .num_samples = num_samples,
       .evaluation = evaluation});
}

}  // namespace incubate
