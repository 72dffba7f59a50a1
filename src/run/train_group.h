#pragma once

#include <functional>
#include <vector>

#include "run/run_context.h"
#include "schedule/round.h"

namespace incubate {

/// Carries on a group's assignments, trainings of one phase: reads their first weights or latest checkpoints, trains
/// them together, and leaves a checkpoint of each, or its finished weights. Enters the steps done and measured times
/// into `progress`. Collective over `group`; `send_report` is called by every rank of it, leaders' reports count. Where
/// `should_stop` is true on any rank, all leave off after the step with a checkpoint of each training.
void train_group(const RunContext& context, const GroupPlan& plan, ProcessGroup& group, const SendReport& send_report,
                 const std::function<bool()>& should_stop, std::vector<TrainingProgress>& progress);

}  // namespace incubate
