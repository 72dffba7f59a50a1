#include "train/trainer.h"

#include <utility>

#include <torch/torch.h>

#include "base/check.h"
#include "model/drop_path.h"
#include "train/batch_tensors.h"
#include "train/evaluate.h"

namespace incubate {

Trainer::Trainer(StagedModel& model, TrainLoader& train, const EvaluationLoader& validation, ProcessGroup& group,
                 TrainerSettings settings)
    : model_(model),
      train_(train),
      validation_(validation),
      group_(group),
      settings_(std::move(settings)),
      task_(settings_.recipe.label_smoothing),
      parameters_(model, group.device()),
      optimizer_(parameters_, settings_.optimizer, settings_.recipe.weight_decay),
      reducer_(group, settings_.sums, parameters_.size()),
      schedule_(make_lr_schedule(settings_.recipe, settings_.global_batch, train.sampler().steps_per_epoch(),
                                 settings_.total_steps)),
      drop_path_rates_(drop_path_rates(settings_.recipe.drop_path, model.spec().num_blocks())) {}

void Trainer::resume(std::int64_t steps_done, Metrics metrics, double elapsed_s) {
  steps_done_ = steps_done;
  metrics_ = std::move(metrics);
  elapsed_before_s_ = elapsed_s;
}

Evaluation Trainer::run(const TrainerHooks& hooks) {
  while (steps_done_ < settings_.total_steps) {
    metrics_.steps.push_back(train_step(steps_done_));
    ++steps_done_;
    if (hooks.on_step) hooks.on_step(metrics_.steps.back());
    if (is_evaluation_due(steps_done_)) add_evaluation(steps_done_, hooks.on_evaluation_batch);
    const bool is_last = steps_done_ == settings_.total_steps;
    if (hooks.save && !is_last && steps_done_ % settings_.checkpoint_every_steps == 0) hooks.save(steps_done_);
  }
  return metrics_.epochs.back().evaluation;
}

StepRow Trainer::train_step(std::int64_t step) {
  const Stopwatch step_watch;
  const std::int64_t num_micro_batches = train_.sampler().micro_batches_per_step();
  const Share share = share_of(num_micro_batches, group_.rank(), group_.size());
  for (std::int64_t m = share.begin; m < share.end; ++m) accumulate_micro_batch(step, m);

  const GradientReducer::StepSums sums = reducer_.finalize(parameters_.gradients(), num_micro_batches);
  if (sums.num_nonfinite > 0) report_nonfinite(step, sums.num_nonfinite);
  const double norm = clip_norm(parameters_.gradients(), settings_.recipe.clip_norm);
  const double learning_rate = learning_rate_at(schedule_, step);
  optimizer_.update(step, learning_rate);
  return {.step = step,
          .loss = sums.mean_loss,
          .learning_rate = learning_rate,
          .gradient_norm = norm,
          .images_per_s = static_cast<double>(settings_.global_batch) / step_watch.elapsed_s(),
          .elapsed_s = elapsed_s()};
}

void Trainer::report_nonfinite(std::int64_t step, std::int64_t num_nonfinite) const {
  const std::string message = fmt::format(
      "{}: step {} has a loss or gradient that is not finite, or above {}, in {} of {} micro-batches. The step was not "
      "applied; checkpoints before it are good. Lower the learning rate or clip the gradient.",
      settings_.name, step, kLargestExactAddend, num_nonfinite, train_.sampler().micro_batches_per_step());
  if (!group_.is_leader()) throw PeerFailure(message);
  throw std::runtime_error(message);
}

void Trainer::accumulate_micro_batch(std::int64_t step, std::int64_t micro_batch) {
  const std::int64_t steps_per_epoch = train_.sampler().steps_per_epoch();
  Batch batch = train_.load(
      {.epoch = step / steps_per_epoch, .step_in_epoch = step % steps_per_epoch, .micro_batch = micro_batch});
  const BatchTensors tensors = to_tensors(batch, model_.spec().image_size, group_.device());
  const torch::Tensor scales =
      draw_branch_scales(drop_path_rates_, batch.size, settings_.seed, settings_.phase, step, micro_batch);

  parameters_.gradients().zero_();
  const torch::Tensor loss = task_.loss(
      model_.forward(tensors.images, scales.defined() ? scales.to(group_.device()) : scales), tensors.labels);
  loss.backward();
  reducer_.add(parameters_.gradients(), loss.item<double>());
}

bool Trainer::is_evaluation_due(std::int64_t steps_done) const {
  return steps_done == settings_.total_steps || steps_done % train_.sampler().steps_per_epoch() == 0;
}

void Trainer::add_evaluation(std::int64_t steps_done, const std::function<void()>& on_batch) {
  const std::int64_t since = metrics_.epochs.empty() ? 0 : metrics_.epochs.back().step;
  double loss_sum = 0;
  std::int64_t count = 0;
  for (auto row = metrics_.steps.rbegin(); row != metrics_.steps.rend() && row->step >= since; ++row, ++count) {
    loss_sum += row->loss;
  }
  const Evaluation evaluation = evaluate(model_, task_, validation_, group_, on_batch);
  metrics_.epochs.push_back(
      {.step = steps_done,
       .epoch = static_cast<double>(steps_done) / static_cast<double>(train_.sampler().steps_per_epoch()),
       .train_loss = loss_sum / static_cast<double>(count),
       .evaluation = evaluation,
       .block_flops = settings_.block_flops_per_image * static_cast<double>(settings_.global_batch) *
                      static_cast<double>(steps_done),
       .elapsed_s = elapsed_s()});
}

}  // namespace incubate
