#pragma once

#include <functional>
#include <span>
#include <vector>

#include "data/loader.h"
#include "model/staged_model.h"
#include "parallel/process_group.h"
#include "tasks/task.h"

namespace incubate {

/// Evaluates `models` on every sample of the ranks' loaders (SequentialSampler), and adds up the task's sums. The
/// result is the same on any number of ranks, and for a model alone or among others, which share the images and the
/// frozen stages they have in common. Batch norm goes by its running statistics. REQUIRES: all take images of one size.
/// Collective over `group`. `on_batch`, if given, is called after each batch.
std::vector<Figures> evaluate(std::span<StagedModel* const> models, const Task& task, Loader& loader,
                              ProcessGroup& group, const std::function<void()>& on_batch = {});

}  // namespace incubate
