#include "method/start_weights.h"

#include <algorithm>
#include <memory>

#include <torch/torch.h>

#include "base/check.h"
#include "checkpoint/checkpoint.h"
#include "method/transfer.h"
#include "model/growth.h"
#include "model/resolution.h"

namespace incubate {
namespace {

void load_state(std::vector<NamedTensor> state, std::int64_t stage_index, const Checkpoint& checkpoint,
                const FilePath& path) {
  const torch::NoGradGuard no_grad;
  for (NamedTensor& item : state) {
    const auto found = checkpoint.state.find(stage_key(stage_index, item.name));
    check_input(found != checkpoint.state.end(), "{} lacks {}. It was written by another model; remove it.",
                path.string(), stage_key(stage_index, item.name));
    check_input(found->second.sizes() == item.tensor.sizes(), "{}: {} has another shape than the model's. Remove it.",
                path.string(), stage_key(stage_index, item.name));
    item.tensor.copy_(found->second);
  }
}

/// Sets random weights, which some starts then replace partly or wholly.
void initialise(StagedModel& model, const Training& training, std::uint64_t seed) {
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    if (training.starts[i] == Start::copy || training.starts[i] == Start::resample) continue;
    model.initialise(i, seed, training.phase);
    if (training.starts[i] != Start::zero_branches) continue;
    for (std::int64_t block = 0; block < model.stage(i).num_blocks(); ++block) zero_branches(model.stage(i), block);
  }
}

/// Loads each stage from the finished training that `sources` names for it, if any, in the way that `starts` says.
/// Reads each file once.
void load_stages(StagedModel& model, const std::vector<std::string>& sources, const std::vector<Start>& starts,
                 const std::vector<Training>& trainings, const RunDirectory& run, VerifiedFiles& verified) {
  for (const Training& source : trainings) {
    if (std::ranges::find(sources, source.name) == sources.end()) continue;
    const FilePath path = run.finished(source.name);
    const Checkpoint checkpoint = load_checkpoint(path, verified);
    check_identity(path, checkpoint.header, source.identity, source.identity_text, source.config);
    for (std::int64_t i = 0; i < model.num_stages(); ++i) {
      if (sources[i] != source.name) continue;
      if (starts[i] == Start::copy) {
        load_state(model.list_state(i), i, checkpoint, path);
        continue;
      }
      const std::shared_ptr<Stage> original = make_stage(source.spec, i, model.request());
      load_state(original->list_state(), i, checkpoint, path);
      if (starts[i] == Start::grow) grow(model.stage(i), *original);
      if (starts[i] == Start::resample) change_resolution(model.stage(i), *original);
      if (i + 1 == model.num_stages()) load_state(model.head().list_state(), i, checkpoint, path);
    }
  }
}

}  // namespace

void load_start_weights(StagedModel& model, const Training& training, const std::vector<Training>& trainings,
                        const RunDirectory& run, std::uint64_t seed, VerifiedFiles& verified) {
  initialise(model, training, seed);
  if (training.starts.front() == Start::transfer) load_transferred(model, training);
  load_stages(model, training.weight_sources, training.starts, trainings, run, verified);
}

void load_finished_weights(StagedModel& model, const Training& training, const std::vector<Training>& trainings,
                           const RunDirectory& run) {
  std::vector<std::string> sources = training.weight_sources;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (training.is_learning[i]) sources[i] = training.name;
  }
  VerifiedFiles verified;
  load_stages(model, sources, std::vector(sources.size(), Start::copy), trainings, run, verified);
}

}  // namespace incubate
