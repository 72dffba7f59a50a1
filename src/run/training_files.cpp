#include "run/training_files.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include <torch/torch.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/out_of_memory.h"
#include "checkpoint/lock.h"
#include "run/find_progress.h"

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

/// The name in a checkpoint of the part `view` of the state `name`.
std::string key_of(const std::string& name, const FlatView& view) {
  constexpr std::string_view kOptimizer = "optimizer/";
  if (name == "ema") return ema_key(view.stage, view.name);
  if (name.starts_with(kOptimizer)) return optimizer_key(view.stage, view.name, name.substr(kOptimizer.size()));
  return stage_key(view.stage, view.name);
}

}  // namespace

void gather_state(Trainer& trainer) {
  for (const NamedState& state : trainer.list_state()) state.gather();
}

TrainingFiles::TrainingFiles(const RunContext& context, const Training& training, Tell warn, Tell note)
    : context_(context),
      training_(training),
      warn_(std::move(warn)),
      note_(std::move(note)),
      arithmetic_(context.arithmetic) {}

TrainingFiles::~TrainingFiles() {
  if (pending_.valid()) pending_.wait();
}

Checkpoint TrainingFiles::load_resume_point(std::int64_t step) {
  const auto point = find_resume_point(context_.run, training_, step, context_.verified, warn_);
  check_running(point.has_value(),
                "no checkpoint of {} after {} steps is in {}, though it was there. Every host must see the same "
                "run.directory.",
                training_.name, step, context_.run.root().string());
  rejected_ = context_.run.list_resume_points(training_.name);
  std::erase_if(rejected_, [&point](std::int64_t other) { return other <= point->header.step; });
  Checkpoint checkpoint = load_checkpoint(point->path, context_.verified);
  for (const std::string& kind : checkpoint.header.arithmetic) {
    if (std::ranges::count(arithmetic_, kind) == 0) arithmetic_.push_back(kind);
  }
  return checkpoint;
}

Metrics TrainingFiles::load_metrics(std::int64_t step) const {
  const auto go_on = [&](const std::exception& error) -> Metrics {
    warn_(fmt::format("{} The figures of steps before {} are lost; training goes on.", error.what(), step));
    return {};
  };
  try {
    return Metrics::load(context_.run.metrics(training_.name), step);
  } catch (const DamagedFileError& error) {
    return go_on(error);
  } catch (const UnreadableFileError&) {
    throw;  // the file may be whole, and must not be replaced
  } catch (const std::exception& error) {
    if (is_out_of_memory(error)) throw;
    return go_on(error);
  }
}

void TrainingFiles::save_resume_point(Trainer& trainer, TrainingAccount& account, const Figures& figures) {
  save(trainer, account, figures, Content::state);
}

void TrainingFiles::save_finished(Trainer& trainer, TrainingAccount& account, const Figures& figures) {
  save(trainer, account, figures, Content::result);
}

void TrainingFiles::save(Trainer& trainer, TrainingAccount& account, const Figures& figures, Content content) {
  const Stopwatch watch;
  take_result(account);  // the copy belongs to the write before until it is over
  const Checkpoint checkpoint = copy_state(trainer, figures, content);
  row_ = {.step = trainer.steps_done(), .stall_s = watch.elapsed_s(), .write_s = 0};
  account.add_time(row_.stall_s);
  const bool is_last = content == Content::result;
  const FilePath path =
      is_last ? context_.run.finished(training_.name) : context_.run.resume_point(training_.name, trainer.steps_done());
  const auto check_lock = [this] {
    check_held(context_.run.lock(training_.name), context_.lock_tokens.at(training_.name));
  };
  pending_path_ = path;
  std::erase(rejected_, trainer.steps_done());  // this one takes its place
  pending_ = context_.writer.submit([this, is_last, path, checkpoint, check_lock, metrics = account.metrics(),
                                     rejected = std::exchange(rejected_, {})] {
    check_lock();
    metrics.save(context_.run.metrics(training_.name), training_.name);
    std::filesystem::create_directories(path.parent_path());
    save_checkpoint(path, checkpoint, check_lock);
    context_.run.prune_resume_points(training_.name, is_last ? 0 : context_.config.checkpoint.keep, rejected);
  });
}

Checkpoint TrainingFiles::copy_state(Trainer& trainer, const Figures& figures, Content content) {
  Checkpoint checkpoint{.header = {.training = training_.name,
                                   .step = trainer.steps_done(),
                                   .identity = training_.identity,
                                   .identity_text = training_.identity_text,
                                   .config = training_.config,
                                   .arithmetic = arithmetic_,
                                   .data = training_.data,
                                   .figures = figures},
                        .state = {}};
  std::vector<NamedState> states;
  if (content == Content::state) {
    states = trainer.list_state();
  } else {
    states = {{"stages", trainer.parameters().views(), [&trainer] { return trainer.result(); }, {}}};
  }
  copies_.resize(std::max(copies_.size(), states.size()));
  for (std::size_t i = 0; i < states.size(); ++i) {
    copy_to_host(states[i].gather(), copies_[i]);
    for (const FlatView& view : states[i].views) {
      checkpoint.state[key_of(states[i].name, view)] = view.of(copies_[i]);
    }
  }
  return checkpoint;
}

void TrainingFiles::take_result(TrainingAccount& account) {
  if (!pending_.valid()) return;
  wait_for_write();
  account.metrics().checkpoints.push_back(row_);
}

void TrainingFiles::wait_for_write() {
  row_.write_s = pending_.get();
  note_(fmt::format("{}: step {} is in {}, written in {:.2f} s, for {:.2f} s of which the training stood still",
                    training_.name, row_.step, pending_path_.lexically_relative(context_.run.root()).string(),
                    row_.write_s, row_.stall_s));
}

void TrainingFiles::check(TrainingAccount& account) {
  if (pending_.valid() && pending_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) take_result(account);
}

void TrainingFiles::finish(const std::function<void()>& on_wait) {
  if (!pending_.valid()) return;
  while (pending_.wait_for(std::chrono::seconds(1)) != std::future_status::ready) on_wait();
  wait_for_write();
}

void copy_from(const Checkpoint& checkpoint, const NamedState& state, torch::Tensor& buffer) {
  const torch::NoGradGuard no_grad;
  for (const FlatView& view : state.views) view.of(buffer).copy_(checkpoint.state.at(key_of(state.name, view)));
}

}  // namespace incubate
