#include "method/training_files.h"

#include <chrono>
#include <utility>

#include <torch/torch.h>

#include "base/check.h"
#include "base/stopwatch.h"
#include "checkpoint/lock.h"
#include "config/parse.h"

namespace incubate {
namespace {

/// Copies `source`, on any device, into host memory that is kept for the next time.
void copy_to_host(const torch::Tensor& source, torch::Tensor& copy) {
  const torch::NoGradGuard no_grad;
  if (!copy.defined()) {
    copy = torch::empty(source.sizes(), torch::dtype(source.dtype()).pinned_memory(source.is_cuda()));
  }
  copy.copy_(source);
}

}  // namespace

TrainingFiles::TrainingFiles(const RunContext& context, const Training& training, Warn warn)
    : context_(context), training_(training), warn_(std::move(warn)) {}

TrainingFiles::~TrainingFiles() {
  if (pending_.valid()) pending_.wait();
}

std::optional<Checkpoint> TrainingFiles::find_resume_point() const {
  for (const std::int64_t step : context_.run.list_resume_points(training_.name)) {
    const FilePath path = context_.run.resume_point(training_.name, step);
    try {
      Checkpoint checkpoint = load_checkpoint(path);
      check_identity(path, checkpoint.header, training_.identity, training_.identity_text);
      return checkpoint;
    } catch (const std::exception& error) {
      warn_(fmt::format("{} Trying the checkpoint before it.", error.what()));
    }
  }
  return std::nullopt;
}

Metrics TrainingFiles::load_metrics(std::int64_t step) const {
  try {
    return Metrics::load(context_.run.metrics(training_.name), step);
  } catch (const std::exception& error) {
    warn_(fmt::format("{} The figures of steps before {} are lost; training goes on.", error.what(), step));
    return {};
  }
}

void TrainingFiles::save_resume_point(Trainer& trainer, const Figures& figures) {
  save(trainer, figures, Content::weights_and_optimizer);
}

void TrainingFiles::save_finished(Trainer& trainer, const Figures& figures) {
  save(trainer, figures, Content::weights);
}

void TrainingFiles::save(Trainer& trainer, const Figures& figures, Content content) {
  const Stopwatch watch;
  take_result(trainer);  // the copy belongs to the write before until it is over
  const Checkpoint checkpoint = copy_state(trainer, figures, content);
  row_ = {.step = trainer.steps_done(), .stall_s = watch.elapsed_s(), .write_s = 0};
  trainer.add_time(row_.stall_s);
  const bool is_last = content == Content::weights;
  const FilePath path =
      is_last ? context_.run.finished(training_.name) : context_.run.resume_point(training_.name, trainer.steps_done());
  const auto check_lock = [this] {
    check_held(context_.run.lock(training_.name), context_.lock_tokens.at(training_.name));
  };
  pending_ = context_.writer.submit([this, is_last, path, checkpoint, check_lock, metrics = trainer.metrics()] {
    check_lock();
    metrics.save(context_.run.metrics(training_.name), training_.name);
    std::filesystem::create_directories(path.parent_path());
    save_checkpoint(path, checkpoint, check_lock);
    context_.run.prune_resume_points(training_.name, is_last ? 0 : context_.config.checkpoint.keep);
  });
}

Checkpoint TrainingFiles::copy_state(Trainer& trainer, const Figures& figures, Content content) {
  RunConfig config = context_.config;
  Checkpoint checkpoint{.header = {.training = training_.name,
                                   .step = trainer.steps_done(),
                                   .identity = training_.identity,
                                   .identity_text = training_.identity_text,
                                   .config = print_settings(list_settings(config)),
                                   .figures = figures},
                        .state = {}};
  copy_to_host(trainer.parameters().values(), values_);
  for (const FlatView& view : trainer.parameters().views()) {
    checkpoint.state[stage_key(view.stage, view.name)] = view.of(values_);
  }
  if (content == Content::weights) return checkpoint;
  copy_to_host(trainer.optimizer().exp_avg(), exp_avg_);
  copy_to_host(trainer.optimizer().exp_avg_sq(), exp_avg_sq_);
  for (const FlatView& view : trainer.parameters().parameter_views()) {
    checkpoint.state[optimizer_key(view.stage, view.name, "exp_avg")] = view.of(exp_avg_);
    checkpoint.state[optimizer_key(view.stage, view.name, "exp_avg_sq")] = view.of(exp_avg_sq_);
  }
  return checkpoint;
}

void TrainingFiles::take_result(Trainer& trainer) {
  if (!pending_.valid()) return;
  row_.write_s = pending_.get();
  trainer.metrics().checkpoints.push_back(row_);
}

void TrainingFiles::check(Trainer& trainer) {
  if (pending_.valid() && pending_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) take_result(trainer);
}

void TrainingFiles::finish(const std::function<void()>& on_wait) {
  if (!pending_.valid()) return;
  while (pending_.wait_for(std::chrono::seconds(1)) != std::future_status::ready) on_wait();
  pending_.get();
}

void restore_state(const Checkpoint& checkpoint, Trainer& trainer) {
  const torch::NoGradGuard no_grad;
  for (const FlatView& view : trainer.parameters().views()) {
    view.of(trainer.parameters().values()).copy_(checkpoint.state.at(stage_key(view.stage, view.name)));
  }
  for (const FlatView& view : trainer.parameters().parameter_views()) {
    view.of(trainer.optimizer().exp_avg()).copy_(checkpoint.state.at(optimizer_key(view.stage, view.name, "exp_avg")));
    view.of(trainer.optimizer().exp_avg_sq())
        .copy_(checkpoint.state.at(optimizer_key(view.stage, view.name, "exp_avg_sq")));
  }
}

}  // namespace incubate
