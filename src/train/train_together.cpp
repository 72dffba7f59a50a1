#include "train/train_together.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

#include <torch/torch.h>

#include "base/clock.h"
#include "base/share.h"
#include "gpu/device_memory.h"
#include "model/drop_path.h"
#include "model/frozen_prefix.h"
#include "train/evaluate.h"

namespace incubate {
namespace {

using Team = std::vector<const Participant*>;

/// Returns the unfinished participants with the fewest completed steps.
Team find_team(std::span<const Participant> participants) {
  Team team;
  for (const Participant& p : participants) {
    const std::int64_t step = p.trainer->steps_done();
    if (step >= p.until_step) continue;
    if (!team.empty() && step < team.front()->trainer->steps_done()) team.clear();
    if (team.empty() || step == team.front()->trainer->steps_done()) team.push_back(&p);
  }
  return team;
}

/// Returns each member's part of the team's time, in proportion to its FLOPs.
std::vector<double> time_shares(const Team& team) {
  double sum = 0;
  for (const Participant* p : team) sum += p->trainer->settings().block_flops_per_image;
  std::vector<double> shares;
  for (const Participant* p : team) shares.push_back(p->trainer->settings().block_flops_per_image / sum);
  return shares;
}

/// A micro-batch's images, with the stochastic depth of the trainings that have these rates.
struct Draw {
  const std::vector<double>* rates;
  FrozenPrefix prefix;
};

std::unique_ptr<Batch> load_batch(Loader& train, const BatchPlace& place) {
  RECORD_USER_SCOPE("load");
  return train.load(place);
}

Activations pass_frozen(FrozenPrefix& prefix, StagedModel& model) {
  RECORD_USER_SCOPE("frozen stages");
  return prefix.input_of(model);
}

void accumulate_micro_batch(const Team& team, std::int64_t micro_batch, bool is_last, Loader& train,
                            ProcessGroup& group) {
  const TrainerSettings& settings = team.front()->trainer->settings();
  const std::int64_t step = team.front()->trainer->steps_done();
  const std::unique_ptr<Batch> batch = load_batch(train, {.epoch = step / settings.steps_per_epoch,
                                                          .step_in_epoch = step % settings.steps_per_epoch,
                                                          .micro_batch = micro_batch});
  const DeviceBatch tensors = team.front()->trainer->task().to_device(*batch, group.device());
  std::deque<Draw> draws;
  for (const Participant* p : team) {
    Trainer& trainer = *p->trainer;
    auto draw = std::ranges::find_if(draws, [&](const Draw& d) { return *d.rates == trainer.drop_path_rates(); });
    if (draw == draws.end()) {
      const torch::Tensor scales =
          draw_branch_scales(trainer.drop_path_rates(), batch->size, settings.seed, settings.phase, step, micro_batch);
      draws.push_back({&trainer.drop_path_rates(), {tensors.input, keep_samples(scales, group.device())}});
      draw = draws.end() - 1;
    }
    trainer.accumulate(pass_frozen(draw->prefix, trainer.model()), tensors.targets, draw->prefix.kept(), is_last);
  }
}

/// Launches a step on the device.
void begin_step(const Team& team, Loader& train, ProcessGroup& group, bool asks_to_stop) {
  const Share share = share_of(team.front()->trainer->settings().micro_batches(), group.rank(), group.size());
  const double waited_before_s = train.waited_s();
  for (std::int64_t m = share.begin; m < share.end; ++m) {
    accumulate_micro_batch(team, m, m + 1 == share.end, train, group);
  }
  for (const Participant* p : team) {
    p->trainer->finish_step({.stop = asks_to_stop ? 1 : 0,
                             .save = p->asks_to_save && p->asks_to_save() ? 1 : 0,
                             .data_wait_ns = std::llround(1e9 * (train.waited_s() - waited_before_s)),
                             .memory_peak_bytes = memory_peak_bytes(group.device()),
                             .communication_wait_ns = p->account->take_communication_wait_ns()});
  }
}

/// Completes the steps that a group has begun and measures their times. A step lasts from the end of the step before.
class StepCompleter {
 public:
  void add(const Team& team) { open_.push_back(team); }
  /// Must be called when a step begins.
  void note_begin() {
    if (open_.empty()) watch_.restart();
  }
  /// Completes open steps until `left` remain.
  void complete(std::size_t left) {
    while (open_.size() > left) {
      complete(open_.front());
      open_.pop_front();
    }
  }
  bool is_stop_agreed() const { return is_stop_agreed_; }

 private:
  void complete(const Team& team) {
    std::vector<CompletedStep> steps;
    for (const Participant* p : team) steps.push_back(p->trainer->complete_step());
    const double step_s = watch_.elapsed_s();
    watch_.restart();
    const std::vector<double> shares = time_shares(team);
    double reduction_s = 0;
    for (const CompletedStep& step : steps) reduction_s += step.reduction_s;
    for (std::size_t i = 0; i < team.size(); ++i) {
      team[i]->account->add_step(steps[i], step_s, step_s * shares[i], reduction_s);
      if (team[i]->on_step) team[i]->on_step(team[i]->account->metrics().steps.back());
    }
    is_stop_agreed_ = is_stop_agreed_ || team.front()->trainer->is_stop_agreed();
  }

  std::deque<Team> open_;
  Stopwatch watch_;
  bool is_stop_agreed_ = false;
};

bool is_save_due(const Participant& p) { return p.save_every > 0 && p.trainer->steps_done() % p.save_every == 0; }

/// True, on every rank alike, if the last step's figures are needed before the next step begins.
bool must_be_completed(const Team& team) {
  return std::ranges::any_of(team, [](const Participant* p) {
    return !p->trainer->settings().reads_late || p->trainer->is_save_agreed() || p->trainer->is_evaluation_due() ||
           is_save_due(*p) || p->trainer->steps_done() == p->until_step;
  });
}

/// Saves the participants that are due and continue. Other participants save when they end.
void save_due(const Team& team) {
  for (const Participant* p : team) {
    const bool goes_on = p->trainer->steps_done() < p->until_step;
    if (!p->on_save || !goes_on || !(p->trainer->is_save_agreed() || is_save_due(*p))) continue;
    p->on_save();
    p->trainer->note_saved();
  }
}

/// Evaluates the members of the team that are due, and done or not.
void evaluate_due(const Team& team, bool are_done, Loader& validation, ProcessGroup& group) {
  Team due;
  std::ranges::copy_if(team, std::back_inserter(due), [are_done](const Participant* p) {
    return p->trainer->is_evaluation_due() && p->trainer->is_done() == are_done;
  });
  if (due.empty()) return;
  RECORD_USER_SCOPE("evaluate");
  const Stopwatch watch;
  std::vector<StagedModel*> models;
  for (const Participant* p : due) models.push_back(&p->trainer->model());
  for (const Participant* p : due) p->trainer->swap_result();
  std::size_t next = 0;  // each batch goes through all models in turn
  const std::vector<Figures> evaluations =
      evaluate(models, due.front()->trainer->task(), validation, group, [&](const torch::Tensor&, const Targets&) {
        if (due[next]->on_evaluation_batch) due[next]->on_evaluation_batch();
        next = (next + 1) % due.size();
      });
  for (const Participant* p : due) p->trainer->swap_result();
  for (std::size_t i = 0; i < due.size(); ++i) {
    due[i]->account->add_time(watch.elapsed_s() / static_cast<double>(due.size()));
    const std::string problem = due[i]->trainer->judge(evaluations[i]);
    if (!problem.empty() && due[i]->warn) due[i]->warn(problem);
    due[i]->account->add_evaluation(due[i]->trainer->steps_done(), validation.num_samples(), evaluations[i]);
  }
}

}  // namespace

void train_together(std::span<const Participant> participants, Loader& train, const ValidationLoaders& validation,
                    ProcessGroup& group, const std::function<bool()>& should_stop, const StepHooks& hooks) {
  StepCompleter steps;
  for (Team team = find_team(participants); !team.empty(); team = find_team(participants)) {
    if (hooks.before_step) hooks.before_step();
    steps.note_begin();
    begin_step(team, train, group, should_stop && should_stop());
    steps.add(team);
    steps.complete(1);
    if (must_be_completed(team) || steps.is_stop_agreed()) {
      steps.complete(0);
      save_due(team);
    }
    if (hooks.after_step) hooks.after_step();
    evaluate_due(team, false, validation.others, group);
    evaluate_due(team, true, validation.last, group);
    for (const Participant* p : team) {
      if (p->trainer->steps_done() == p->until_step && p->on_end) p->on_end();
    }
    if (!steps.is_stop_agreed()) continue;
    for (const Participant& p : participants) {
      if (p.trainer->steps_done() < p.until_step && p.on_end) p.on_end();
    }
    return;
  }
}

}  // namespace incubate
