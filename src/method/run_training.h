#pragma once

#include "method/run_context.h"
#include "parallel/process_group.h"

namespace incubate {

/// Carries one training to its end on one group: first weights or the latest state to resume from, the steps, and its
/// finished weights as a file. Collective over `group`; `send_report` is called by every rank of it, leaders' reports
/// count.
void run_training(const RunContext& context, std::int64_t training_index, ProcessGroup& group,
                  const SendReport& send_report);

}  // namespace incubate
