#pragma once

#include <functional>

#include "data/loader.h"
#include "model/staged_model.h"
#include "parallel/process_group.h"
#include "report/meters.h"
#include "train/task.h"

namespace incubate {

/// Evaluates `model` on every validation image exactly once: each rank takes a contiguous share of the batches, and the
/// counts are added up. The result is the same on any number of ranks. Collective over `group`.
/// `on_batch`, if given, is called after each batch.
Evaluation evaluate(StagedModel& model, const ClassificationTask& task, const EvaluationLoader& loader,
                    ProcessGroup& group, const std::function<void()>& on_batch = {});

}  // namespace incubate
