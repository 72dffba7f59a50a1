#include "method/start_weights.h"

#include <algorithm>
#include <memory>

#include <torch/torch.h>

#include "base/check.h"
#include "checkpoint/checkpoint.h"
#include "model/growth.h"

namespace incubate {
namespace {

void load_stage(Stage& stage, std::int64_t stage_index, const Checkpoint& checkpoint, const FilePath& path) {
  const torch::NoGradGuard no_grad;
  for (ParameterInfo& parameter : stage.list_parameters()) {
    const auto found = checkpoint.state.find(stage_key(stage_index, parameter.name));
    check_input(found != checkpoint.state.end(), "{} lacks {}. It was written by another model; remove it.",
                path.string(), stage_key(stage_index, parameter.name));
    check_input(found->second.sizes() == parameter.tensor.sizes(),
                "{}: {} has another shape than the model's. Remove it.", path.string(),
                stage_key(stage_index, parameter.name));
    parameter.tensor.copy_(found->second);
  }
}

/// Random weights, which some starts then replace in part or whole.
void initialise(StagedModel& model, const Training& training, std::uint64_t seed) {
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    if (training.starts[i] == Start::copy) continue;
    model.stage(i).initialise(seed, training.phase, i);
    if (training.starts[i] == Start::zero_branches) zero_branches(model.stage(i), 0);
  }
}

}  // namespace

void load_start_weights(StagedModel& model, const Training& training, const std::vector<Training>& trainings,
                        const RunDirectory& run, std::uint64_t seed) {
  initialise(model, training, seed);
  for (const std::string& source : training.parents()) {
    const FilePath path = run.finished(source);
    const Checkpoint checkpoint = load_checkpoint(path);
    const auto parent = std::ranges::find(trainings, source, &Training::name);
    check_identity(path, checkpoint.header, parent->identity, parent->identity_text);
    for (std::int64_t i = 0; i < model.num_stages(); ++i) {
      if (training.weight_sources[i] != source) continue;
      if (training.starts[i] == Start::grow) {
        const std::shared_ptr<Stage> smaller = make_stage(parent->spec, i);
        load_stage(*smaller, i, checkpoint, path);
        grow(model.stage(i), *smaller);
      } else {
        load_stage(model.stage(i), i, checkpoint, path);
      }
    }
  }
}

}  // namespace incubate
