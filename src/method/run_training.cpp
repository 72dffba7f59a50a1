#include "method/run_training.h"

#include <algorithm>
#include <optional>

#include <torch/torch.h>

#include "base/check.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/lock.h"
#include "config/parse.h"
#include "method/start_weights.h"
#include "train/trainer.h"

namespace incubate {
namespace {

TrainerSettings trainer_settings(const RunConfig& config, const Training& training) {
  return {.name = training.name,
          .phase = training.phase,
          .recipe = config.phase(training.phase),
          .optimizer = config.optimizer,
          .sums = config.run.sums,
          .seed = static_cast<std::uint64_t>(config.run.seed),
          .global_batch = config.batch.global,
          .total_steps = training.total_steps,
          .checkpoint_every_steps = config.checkpoint.every_steps,
          .block_flops_per_image = training.block_flops_per_image};
}

/// Runs one training's parts that touch files on the group's leader, and shares what they bring with the others.
class TrainingRun {
 public:
  TrainingRun(const RunContext& context, std::int64_t index, ProcessGroup& group, const SendReport& send_report);
  void run();
  /// A warning or failure, to the person at the terminal and the log, by way of rank 0.
  void report_text(StatusReport::Event event, const std::string& text) const;

 private:
  void share_weights();
  void resume();
  std::optional<Checkpoint> find_resume_point() const;
  void restore(const Checkpoint& checkpoint);
  Metrics load_metrics(std::int64_t step) const;
  void on_step(const StepRow& row);
  void save_resume_point(std::int64_t steps_done);
  void finish(const Evaluation& evaluation);

  Checkpoint make_checkpoint(const StatusReport& report);
  void save(const FilePath& path, const Checkpoint& checkpoint);
  StatusReport make_report(std::int64_t steps_done) const;
  /// Ranks times seconds so far; earlier runs may have had another number of ranks.
  double rank_s() const { return resumed_rank_s_ + ((trainer_->elapsed_s() - resumed_elapsed_s_) * group_.size()); }

  const RunContext& context_;
  std::int64_t index_;
  const Training& training_;
  ProcessGroup& group_;
  const SendReport& send_report_;
  StagedModel model_;
  TrainLoader train_loader_;
  EvaluationLoader validation_loader_;
  std::optional<Trainer> trainer_;  // made once the model has its weights
  std::int64_t resumed_step_ = 0;
  double resumed_elapsed_s_ = 0;
  double resumed_rank_s_ = 0;
  StatusReport last_report_;  // repeated while an evaluation takes its time
  Stopwatch watch_;
};

Normalisation normalisation_of(const DataConfig& data) { return {data.mean, data.std}; }

TrainLoader make_train_loader(const RunContext& context, const Training& training) {
  const RunConfig& config = context.config;
  const auto seed = static_cast<std::uint64_t>(config.run.seed);
  return {context.train,
          normalisation_of(config.data),
          {config.data.crop_padding, config.data.flip},
          Sampler(context.train.num_images(), config.batch.global, config.phase(training.phase).micro, seed,
                  training.phase),
          seed,
          training.phase};
}

TrainingRun::TrainingRun(const RunContext& context, std::int64_t index, ProcessGroup& group,
                         const SendReport& send_report)
    : context_(context),
      index_(index),
      training_(context.trainings[index]),
      group_(group),
      send_report_(send_report),
      model_(training_.spec),
      train_loader_(make_train_loader(context, training_)),
      validation_loader_(context.validation, normalisation_of(context.config.data),
                         context.config.phase(training_.phase).micro) {}

void TrainingRun::run() {
  if (group_.is_leader()) {
    load_start_weights(model_, training_, context_.trainings, context_.run,
                       static_cast<std::uint64_t>(context_.config.run.seed));
  }
  model_.to(group_.device());
  share_weights();
  model_.set_learning(training_.is_learning);
  trainer_.emplace(model_, train_loader_, validation_loader_, group_, trainer_settings(context_.config, training_));
  resume();
  const Evaluation evaluation = trainer_->run({.on_step = [this](const StepRow& row) { on_step(row); },
                                               .on_evaluation_batch = [this] { send_report_(last_report_); },
                                               .save =
                                                   [this](std::int64_t steps_done) {
                                                     if (group_.is_leader()) save_resume_point(steps_done);
                                                   }});
  finish(evaluation);
}

void TrainingRun::share_weights() {
  const torch::NoGradGuard no_grad;
  for (std::int64_t i = 0; i < model_.num_stages(); ++i) {
    for (ParameterInfo& parameter : model_.stage(i).list_parameters()) {
      group_.broadcast(parameter.tensor, "sharing the first weights of " + training_.name);
    }
  }
}

void TrainingRun::resume() {
  const torch::NoGradGuard no_grad;
  std::int64_t step = 0;
  Metrics metrics;
  if (group_.is_leader()) {
    if (const std::optional<Checkpoint> checkpoint = find_resume_point()) {
      restore(*checkpoint);
      step = checkpoint->header.step;
      resumed_elapsed_s_ = checkpoint->header.figures.at("elapsed_s");
      resumed_rank_s_ = checkpoint->header.figures.at("rank_s");
      metrics = load_metrics(step);
    }
  }
  group_.communicator().broadcast(std::as_writable_bytes(std::span(&step, 1)), "sharing the step of " + training_.name);
  if (step == 0) return;
  for (torch::Tensor* buffer :
       {&trainer_->parameters().values(), &trainer_->optimizer().exp_avg(), &trainer_->optimizer().exp_avg_sq()}) {
    group_.broadcast(*buffer, "sharing the state of " + training_.name);
  }
  resumed_step_ = step;
  trainer_->resume(step, std::move(metrics), resumed_elapsed_s_);
  StatusReport report = make_report(step);
  report.event = StatusReport::Event::resumed;
  send_report_(report);
}

/// The latest checkpoint that is intact; older ones stand in for damaged ones, with a warning.
std::optional<Checkpoint> TrainingRun::find_resume_point() const {
  for (const std::int64_t step : context_.run.list_resume_points(training_.name)) {
    const FilePath path = context_.run.resume_point(training_.name, step);
    try {
      Checkpoint checkpoint = load_checkpoint(path);
      check_identity(path, checkpoint.header, training_.identity, training_.identity_text);
      return checkpoint;
    } catch (const std::exception& error) {
      report_text(StatusReport::Event::warning, fmt::format("{} Trying the checkpoint before it.", error.what()));
    }
  }
  return std::nullopt;
}

void TrainingRun::restore(const Checkpoint& checkpoint) {
  for (const FlatView& view : trainer_->parameters().views()) {
    view.of(trainer_->parameters().values()).copy_(checkpoint.state.at(stage_key(view.stage, view.name)));
    view.of(trainer_->optimizer().exp_avg())
        .copy_(checkpoint.state.at(optimizer_key(view.stage, view.name, "exp_avg")));
    view.of(trainer_->optimizer().exp_avg_sq())
        .copy_(checkpoint.state.at(optimizer_key(view.stage, view.name, "exp_avg_sq")));
  }
}

Metrics TrainingRun::load_metrics(std::int64_t step) const {
  try {
    return Metrics::load(context_.run.metrics(training_.name), step);
  } catch (const std::exception& error) {
    report_text(StatusReport::Event::warning,
                fmt::format("{} The figures of steps before {} are lost; training goes on.", error.what(), step));
    return {};
  }
}

void TrainingRun::report_text(StatusReport::Event event, const std::string& text) const {
  StatusReport report{.event = event, .training = static_cast<std::int32_t>(index_)};
  std::copy_n(text.data(), std::min(text.size(), report.text.size() - 1), report.text.data());
  send_report_(report);
}

StatusReport TrainingRun::make_report(std::int64_t steps_done) const {
  const auto run_steps = static_cast<double>(steps_done - resumed_step_);
  const auto left = static_cast<double>(training_.total_steps - steps_done);
  return {.training = static_cast<std::int32_t>(index_),
          .num_ranks = group_.size(),
          .step = steps_done,
          .left_s = run_steps > 0 ? watch_.elapsed_s() / run_steps * left : 0,
          .elapsed_s = trainer_->elapsed_s(),
          .rank_s = rank_s()};
}

void TrainingRun::on_step(const StepRow& row) {
  StatusReport report = make_report(row.step + 1);
  report.loss = row.loss;
  report.images_per_s = row.images_per_s;
  last_report_ = report;
  last_report_.event = StatusReport::Event::evaluating;
  send_report_(report);
}

/// The learning stages' weights; `report` says where the training stands.
Checkpoint TrainingRun::make_checkpoint(const StatusReport& report) {
  RunConfig config = context_.config;
  Checkpoint checkpoint{.header = {.training = training_.name,
                                   .step = report.step,
                                   .identity = training_.identity,
                                   .identity_text = training_.identity_text,
                                   .config = print_settings(list_settings(config)),
                                   .figures = {}},
                        .state = {}};
  checkpoint.header.figures = {{"elapsed_s", report.elapsed_s},
                               {"rank_s", report.rank_s},
                               {"num_ranks", group_.size()},
                               {"total_steps", static_cast<double>(training_.total_steps)}};
  for (const FlatView& view : trainer_->parameters().views()) {
    checkpoint.state[stage_key(view.stage, view.name)] = view.of(trainer_->parameters().values());
  }
  return checkpoint;
}

void TrainingRun::save(const FilePath& path, const Checkpoint& checkpoint) {
  const auto check_lock = [this] {
    check_held(context_.run.lock(training_.name), context_.lock_tokens.at(training_.name));
  };
  check_lock();
  trainer_->metrics().save(context_.run.metrics(training_.name), training_.name);
  std::filesystem::create_directories(path.parent_path());
  save_checkpoint(path, checkpoint, check_lock);
}

void TrainingRun::save_resume_point(std::int64_t steps_done) {
  Checkpoint checkpoint = make_checkpoint(make_report(steps_done));
  for (const FlatView& view : trainer_->parameters().views()) {
    checkpoint.state[optimizer_key(view.stage, view.name, "exp_avg")] = view.of(trainer_->optimizer().exp_avg());
    checkpoint.state[optimizer_key(view.stage, view.name, "exp_avg_sq")] = view.of(trainer_->optimizer().exp_avg_sq());
  }
  save(context_.run.resume_point(training_.name, steps_done), checkpoint);
  context_.run.prune_resume_points(training_.name, context_.config.checkpoint.keep);
}

/// Saves the finished weights, and reports the very figures that the file holds.
void TrainingRun::finish(const Evaluation& evaluation) {
  StatusReport report = make_report(training_.total_steps);
  report.event = StatusReport::Event::done;
  report.top1 = evaluation.top1;
  report.top5 = evaluation.top5;
  report.validation_loss = evaluation.loss;
  if (group_.is_leader()) {
    Checkpoint checkpoint = make_checkpoint(report);
    checkpoint.header.figures["top1"] = evaluation.top1;
    checkpoint.header.figures["top5"] = evaluation.top5;
    checkpoint.header.figures["loss"] = evaluation.loss;
    checkpoint.header.figures["block_flops"] = training_.block_flops(context_.config.batch.global);
    save(context_.run.finished(training_.name), checkpoint);
    context_.run.prune_resume_points(training_.name, 0);
  }
  send_report_(report);
}

}  // namespace

void run_training(const RunContext& context, std::int64_t training_index, ProcessGroup& group,
                  const SendReport& send_report) {
  TrainingRun training(context, training_index, group, send_report);
  try {
    training.run();
  } catch (const PeerFailure&) {
    throw;  // whoever knows the reason reports it
  } catch (const std::exception& error) {
    training.report_text(StatusReport::Event::failed, error.what());  // rank 0 writes it down before the job ends
    throw;
  }
}

}  // namespace incubate
