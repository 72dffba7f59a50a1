#include "run/training_run.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include <torch/torch.h>

#include "base/clock.h"
#include "forecast/cost_model.h"
#include "method/start_weights.h"

namespace incubate {
namespace {

TrainerSettings trainer_settings(const RunContext& context, const Training& training, torch::Device device) {
  const RunConfig& config = context.config;
  const std::int64_t steps_per_epoch = context.train.num_images() / config.batch.global;
  const double evaluate_every = config.train.evaluate_every * static_cast<double>(steps_per_epoch);
  return {.name = training.name,
          .phase = training.phase,
          .recipe = config.phase(training.phase),
          .optimizer = config.optimizer,
          .sums = sums_of(config.run),
          .on_nonfinite = config.train.on_nonfinite,
          .seed = static_cast<std::uint64_t>(config.run.seed),
          .global_batch = config.batch.global,
          .steps_per_epoch = steps_per_epoch,
          .total_steps = training.total_steps,
          .evaluate_every = std::max<std::int64_t>(1, std::llround(evaluate_every)),
          .block_flops_per_image = training.block_flops_per_image,
          .peak_flops = context.peak_flops,
          .shard_optimizer = config.run.shard_optimizer,
          .reads_late = device.is_cuda(),
          .overlap_reduction = device.is_cuda(),
          .cuda_graph = config.run.cuda_graph && device.is_cuda()};
}

}  // namespace

StatusReport text_report(StatusReport::Event event, std::int64_t training, const std::string& text) {
  StatusReport report{.event = event, .training = static_cast<std::int32_t>(training)};
  std::copy_n(text.data(), std::min(text.size(), report.text.size() - 1), report.text.data());
  return report;
}

TrainingRun::TrainingRun(const RunContext& context, const Assignment& assignment, std::int64_t from_step,
                         std::int64_t first_rank, ProcessGroup& group, const SendReport& send_report)
    : context_(context),
      index_(assignment.training),
      training_(context.trainings[index_]),
      from_step_(from_step),
      until_step_(from_step + assignment.num_steps),
      group_(group),
      send_report_(send_report),
      task_(make_task(context.config, training_.phase)),
      model_(training_.spec, task_->make_head(training_.spec)),
      files_(
          context, training_,
          [this](const std::string& text) { send_report_(text_report(StatusReport::Event::warning, index_, text)); },
          [this](const std::string& text) { send_report_(text_report(StatusReport::Event::note, index_, text)); }),
      round_{.first_rank = first_rank, .num_ranks = group.size()} {}

void TrainingRun::begin(const std::deque<TrainingRun>& runs) {
  model_.set_learning(training_.is_learning);
  share_frozen_stages(runs);
  load_weights();
  trainer_.emplace(model_, *task_, group_, trainer_settings(context_, training_, group_.device()));
  account_.emplace(*trainer_, group_.size());
  resume();
  round_.began_s = unix_now_s();
  round_.first_step = trainer_->steps_done();
  account_->metrics().rounds.push_back(round_);
  last_report_ = make_report(StatusReport::Event::waiting);
}

void TrainingRun::share_frozen_stages(const std::deque<TrainingRun>& runs) {
  for (std::int64_t i = 0; i < model_.num_stages(); ++i) {
    const auto same = std::ranges::find_if(runs, [&](const TrainingRun& other) {
      return &other != this && have_same_frozen_stage(training_, other.training_, i);
    });
    if (same != runs.end()) model_.share_stage(i, same->model_);
  }
}

/// (Stages that are shared are loaded again, to the same values.)
void TrainingRun::load_weights() {
  if (group_.is_leader()) {
    load_start_weights(model_, training_, context_.trainings, context_.run,
                       static_cast<std::uint64_t>(context_.config.run.seed), context_.verified);
  }
  model_.to(group_.device());
  const torch::NoGradGuard no_grad;
  for (std::int64_t i = 0; i < model_.num_stages(); ++i) {
    for (NamedTensor& item : model_.list_state(i)) {
      group_.broadcast(item.tensor, "sharing the first weights of " + training_.name);
    }
  }
}

void TrainingRun::resume() {
  const torch::NoGradGuard no_grad;
  std::array<std::int64_t, 2> steps{};  // done, and skipped of them
  auto& [step, skipped] = steps;
  Metrics metrics;
  std::optional<Checkpoint> checkpoint;
  if (group_.is_leader() && from_step_ > 0) {
    checkpoint = files_.load_resume_point(from_step_);
    step = checkpoint->header.step;
    skipped = std::llround(figure_or_zero(checkpoint->header.figures, "skipped_steps"));
    resumed_elapsed_s_ = checkpoint->header.figures.at("elapsed_s");
    resumed_rank_s_ = checkpoint->header.figures.at("rank_s");
    metrics = files_.load_metrics(step);
  }
  group_.communicator().broadcast(std::as_writable_bytes(std::span(steps)), "sharing the step of " + training_.name);
  if (step == 0) return;
  for (const NamedState& state : trainer_->list_state()) {
    torch::Tensor buffer = state.gather();
    if (checkpoint) copy_from(*checkpoint, state, buffer);
    group_.broadcast(buffer, "sharing the state of " + training_.name);
    state.restore(buffer);
  }
  resumed_step_ = step;
  trainer_->resume(step, skipped);
  account_->resume(std::move(metrics), resumed_elapsed_s_);
  send_report_(make_report(StatusReport::Event::resumed));
}

Participant TrainingRun::participant() {
  return {.trainer = &*trainer_,
          .account = &*account_,
          .until_step = until_step_,
          .on_step = [this](const StepRow& row) { on_step(row); },
          .save_every = context_.config.checkpoint.every_steps,
          .asks_to_save = [this] { return is_checkpoint_due(); },
          .on_save = [this] { save(); },
          .warn =
              [this](const std::string& text) {
                if (group_.is_leader()) send_report_(text_report(StatusReport::Event::warning, index_, text));
              },
          .on_evaluation_batch = [this] { send_report_(last_report_); },
          .on_end = [this] { on_end(); }};
}

void TrainingRun::on_step(const StepRow& row) {
  if (row.is_skipped() && group_.is_leader()) {
    send_report_(text_report(StatusReport::Event::warning, index_,
                             fmt::format("{} The step was skipped, the {}. of this training.",
                                         trainer_->nonfinite_message(), trainer_->steps_skipped())));
  }
  StatusReport report = make_report(StatusReport::Event::step);
  report.loss = row.loss;
  report.images_per_s = row.images_per_s;
  report.data_wait = row.data_wait_s / step_s(row);
  report.communication_wait = last_communication_wait();
  send_report_(report);
  last_report_.step = report.step;
  if (group_.is_leader()) files_.check(*account_);
}

void TrainingRun::save() {
  if (!group_.is_leader()) return gather_state(*trainer_);
  update_round();
  files_.save_resume_point(*trainer_, *account_, figures());
  since_checkpoint_.restart();
}

/// Of the step before the last, as far as this group has made it.
double TrainingRun::last_communication_wait() {
  const std::vector<StepRow>& steps = account_->metrics().steps;
  if (steps.back().step <= round_.first_step) return StepRow::kUnknown;
  const StepRow& row = steps[steps.size() - 2];
  return row.communication_wait_s / step_s(row);
}

/// By time, which the leader takes.
bool TrainingRun::is_checkpoint_due() const {
  const double minutes = context_.config.checkpoint.every_minutes;
  return group_.is_leader() && minutes > 0 && since_checkpoint_.elapsed_s() >= 60 * minutes;
}

void TrainingRun::on_end() {
  if (trainer_->steps_done() < training_.total_steps) return save();
  if (!group_.is_leader()) return;
  update_round();
  Figures all = account_->metrics().epochs.back().evaluation;
  all.merge(figures());
  all["block_flops"] = training_.block_flops(context_.config.batch.global);
  files_.save_finished(*trainer_, *account_, all);
}

void TrainingRun::end(TrainingProgress& progress) {
  files_.finish([this] { send_report_(last_report_); });
  progress = {
      .steps_done = trainer_->steps_done(), .total_steps = training_.total_steps, .micro_batch_s = micro_batch_s()};
  StatusReport report = make_report(progress.is_done() ? StatusReport::Event::done : StatusReport::Event::paused);
  if (progress.is_done()) {
    const Metrics& metrics = account_->metrics();
    for (std::size_t i = 0; i < metrics.infos.size(); ++i) {
      report.evaluation.at(i) = metrics.epochs.back().evaluation.at(metrics.infos[i].name);
    }
  }
  send_report_(report);
}

void TrainingRun::update_round() {
  round_.ended_s = unix_now_s();
  round_.last_step = trainer_->steps_done();
  const auto images = static_cast<double>((round_.last_step - round_.first_step) * context_.config.batch.global);
  round_.images_per_s = images / (round_.ended_s - round_.began_s);
  account_->metrics().rounds.back() = round_;
}

Figures TrainingRun::figures() const {
  return {{"elapsed_s", account_->elapsed_s()}, {"rank_s", rank_s()},
          {"num_ranks", group_.size()},         {"total_steps", static_cast<double>(training_.total_steps)},
          {"micro_batch_s", micro_batch_s()},   {"skipped_steps", static_cast<double>(trainer_->steps_skipped())}};
}

/// Of this round; evaluations and whatever else the training waits for are spread over its micro-batches.
double TrainingRun::micro_batch_s() const {
  const std::int64_t in_turn = micro_batches_in_turn(trainer_->settings().micro_batches(), group_.size());
  const std::int64_t count = (trainer_->steps_done() - resumed_step_) * in_turn;
  return count == 0 ? 0 : (account_->elapsed_s() - resumed_elapsed_s_) / static_cast<double>(count);
}

StatusReport TrainingRun::make_report(StatusReport::Event event) const {
  const auto run_steps = static_cast<double>(trainer_->steps_done() - resumed_step_);
  const auto left = static_cast<double>(training_.total_steps - trainer_->steps_done());
  return {.event = event,
          .training = static_cast<std::int32_t>(index_),
          .num_ranks = group_.size(),
          .step = trainer_->steps_done(),
          .skipped_steps = trainer_->steps_skipped(),
          .left_s = run_steps > 0 ? watch_.elapsed_s() / run_steps * left : 0,
          .elapsed_s = account_->elapsed_s(),
          .rank_s = rank_s()};
}

}  // namespace incubate
