#pragma once

#include <functional>
#include <span>
#include <vector>

#include "data/loader.h"
#include "model/staged_model.h"
#include "parallel/process_group.h"
#include "tasks/task.h"

namespace incubate {

/// Takes a model's output for a batch, and what would be right.
using OnOutput = std::function<void(const torch::Tensor& output, const Targets& targets)>;

/// Returns the figures of each model on the samples of all ranks' loaders (SequentialSampler). The task's sums are
/// added over ranks. Models share the images and their common frozen stages. The number of
/// ranks and the other models never change a result. Batch norm uses its running statistics. Calls `on_output`, if
/// given, for each batch and model. REQUIRES: all models take images of one size. Collective over `group`.
std::vector<Figures> evaluate(std::span<StagedModel* const> models, const Task& task, Loader& loader,
                              ProcessGroup& group, const OnOutput& on_output = {});

}  // namespace incubate
