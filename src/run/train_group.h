#pragma once

#include <functional>
#include <vector>

#include "run/run_context.h"
#include "schedule/round.h"

namespace incubate {

/// Trains a group's assignments, all of one phase, together: reads first weights or latest checkpoints, and leaves a
/// checkpoint or the finished weights of each training. Updates steps and measured times in `progress`. Every rank
/// calls `send_report`; only leaders' reports count. If `should_stop` is true on any rank, all ranks stop after the
/// step and save checkpoints. Collective over `group`.
void train_group(const RunContext& context, const GroupPlan& plan, ProcessGroup& group, const SendReport& send_report,
                 const std::function<bool()>& should_stop, std::vector<TrainingProgress>& progress);

}  // namespace incubate
