#include "method/start_weights.h"

#include <algorithm>

#include <torch/torch.h>

#include "base/check.h"
#include "checkpoint/checkpoint.h"

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

/// Loads each stage from the finished training that `sources` names for it, if any; each file is read once.
void load_stages(StagedModel& model, const std::vector<std::string>& sources, const std::vector<Training>& trainings,
                 const RunDirectory& run) {
  for (const Training& source : trainings) {
    if (std::ranges::find(sources, source.name) == sources.end()) continue;
    const FilePath path = run.finished(source.name);
    const Checkpoint checkpoint = load_checkpoint(path);
    check_identity(path, checkpoint.header, source.identity, source.identity_text);
    for (std::int64_t i = 0; i < model.num_stages(); ++i) {
      if (sources[i] == source.name) load_stage(model.stage(i), i, checkpoint, path);
    }
  }
}

}  // namespace

void load_start_weights(StagedModel& model, const Training& training, const std::vector<Training>& trainings,
                        const RunDirectory& run, std::uint64_t seed) {
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    if (training.weight_sources[i].empty()) model.stage(i).initialise(seed, training.phase, i);
  }
  load_stages(model, training.weight_sources, trainings, run);
}

void load_finished_weights(StagedModel& model, const Training& training, const std::vector<Training>& trainings,
                           const RunDirectory& run) {
  std::vector<std::string> sources = training.weight_sources;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (training.is_learning[i]) sources[i] = training.name;
  }
  load_stages(model, sources, trainings, run);
}

}  // namespace incubate
