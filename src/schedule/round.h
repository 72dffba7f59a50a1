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

/// Progress of a training; every rank has that of all trainings between rounds.
struct TrainingProgress {
  std::int64_t steps_done = 0;
  std::int64_t total_steps = 0;
  double micro_batch_s = 0;  ///< measured time of a micro-batch on one rank; 0: not measured yet

  bool is_done() const { return steps_done == total_steps; }
};

/// Trains a group's assignments, from files to files, and updates their steps and measured times in `progress`.
/// Collective over `group`.
using TrainGroup =
    std::function<void(const GroupPlan& plan, ProcessGroup& group, std::vector<TrainingProgress>& progress)>;

struct RoundEnd {
  double busy_rank_s = 0;   ///< rank-seconds in which groups worked
  bool is_stopped = false;  ///< the run should stop here, with everything saved; the same on every rank
};

/// Runs one round: groups with their own communicators train at the same time and meet when all are done. Updates
/// `progress` on every rank. Collective over `world`.
RoundEnd run_round(const RoundPlan& plan, const Communicator& world, torch::Device device, StatusChannel& channel,
                   const TrainGroup& train_group, std::vector<TrainingProgress>& progress);

}  // namespace incubate
