#pragma once

#include <vector>

#include "method/round.h"
#include "method/run_context.h"

namespace incubate {

/// Carries on a group's assignments, trainings of one phase: reads their first weights or latest checkpoints, trains
/// them together, and leaves a checkpoint of each, or its finished weights. Enters the steps done and measured times
/// into `progress`. Collective over `group`; `send_report` is called by every rank of it, leaders' reports count.
void train_group(const RunContext& context, const GroupPlan& plan, ProcessGroup& group, const SendReport& send_report,
                 std::vector<TrainingProgress>& progress);

}  // namespace incubate
