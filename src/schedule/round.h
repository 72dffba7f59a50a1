#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <torch/types.h>

#include "parallel/communicator.h"
#include "parallel/process_group.h"
#include "parallel/status_channel.h"
#include "schedule/planner.h"

namespace incubate {

/// How far a training is; between rounds every rank knows it of all.
struct TrainingProgress {
  std::int64_t steps_done = 0;
  std::int64_t total_steps = 0;
  double micro_batch_s = 0;  ///< measured time of a micro-batch on one rank; 0: not known yet

  bool is_done() const { return steps_done == total_steps; }
};

/// Carries on the assignments of a group, from files to files, and enters their steps and measured times into
/// `progress`. Collective over `group`.
using TrainGroup =
    std::function<void(const GroupPlan& plan, ProcessGroup& group, std::vector<TrainingProgress>& progress)>;

struct RoundEnd {
  double busy_rank_s = 0;   ///< the rank-seconds in which groups were at work
  bool is_stopped = false;  ///< whether the run is to stop here, with all saved; the same on every rank
};

/// One round: groups with communicators of their own train at the same time, and meet when all are done. Brings
/// `progress` up to date on every rank. Collective over `world`.
RoundEnd run_round(const RoundPlan& plan, const Communicator& world, torch::Device device, StatusChannel& channel,
                   const TrainGroup& train_group, std::vector<TrainingProgress>& progress);

}  // namespace incubate
