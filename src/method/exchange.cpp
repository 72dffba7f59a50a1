#include "method/exchange.h"

#include <fmt/ranges.h>
#include <torch/torch.h>

#include "base/check.h"
#include "checkpoint/lock.h"
#include "checkpoint/safetensors.h"
#include "method/start_weights.h"
#include "model/weight_names.h"

namespace incubate {
namespace {

struct NamedParameter {
  std::int64_t stage;
  ParameterInfo info;
};

/// The model's parameters by their names in a file.
std::map<std::string, NamedParameter> list_named(StagedModel& model, WeightFormat format) {
  std::map<std::string, NamedParameter> list;
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    for (const ParameterInfo& info : model.stage(i).list_parameters()) {
      list[weight_name(format, model.spec(), i, info.name)] = {i, info};
    }
  }
  return list;
}

std::string shape_text(const torch::Tensor& tensor) { return fmt::format("[{}]", fmt::join(tensor.sizes(), ", ")); }

void check_fits(const std::map<std::string, NamedParameter>& parameters, const StateDict& weights,
                const FilePath& path) {
  for (const auto& [name, parameter] : parameters) {
    const auto found = weights.find(name);
    check_input(found != weights.end(),
                "{} lacks the tensor '{}' (the network has {}, all of which are needed). Give weights of the network "
                "that [model] "
                "describes, and their --format.",
                path.string(), name, parameters.size());
    check_input(found->second.sizes() == parameter.info.tensor.sizes(),
                "{}: tensor '{}' has the shape {} but the network's is {}. Give weights of the network that [model] "
                "describes.",
                path.string(), name, shape_text(found->second), shape_text(parameter.info.tensor));
    check_input(
        found->second.isfinite().all().item<bool>(),
        "{}: tensor '{}' has values that are not finite (no training could go on from them). Give other weights.",
        path.string(), name);
  }
  for (const auto& [name, tensor] : weights) {
    check_input(
        parameters.contains(name),
        "{} has the tensor '{}', which the network has not ({} tensors, not {}). Give weights of the network that "
        "[model] describes, and their --format.",
        path.string(), quotable(name), weights.size(), parameters.size());
  }
}

void check_not_begun(const Training& training, const RunDirectory& run) {
  const FilePath finished = run.finished(training.name);
  check_input(!std::filesystem::exists(finished),
              "{} exists: {} is done, and nothing is overwritten. Remove the file, or give another run.directory.",
              finished.string(), training.name);
  const std::vector<std::int64_t> steps = run.list_resume_points(training.name);
  check_input(steps.empty(),
              "{} has done {} of its {} steps in {}, which would be lost. Remove {}, or give another run.directory.",
              training.name, steps.empty() ? 0 : steps.front(), training.total_steps, run.root().string(),
              run.resume_point(training.name, 0).parent_path().string());
}

}  // namespace

StateDict named_weights(StagedModel& model, WeightFormat format) {
  StateDict weights;
  for (const auto& [name, parameter] : list_named(model, format)) weights[name] = parameter.info.tensor.detach();
  return weights;
}

void load_named_weights(StagedModel& model, WeightFormat format, const StateDict& weights, const FilePath& path) {
  const torch::NoGradGuard no_grad;
  std::map<std::string, NamedParameter> parameters = list_named(model, format);
  check_fits(parameters, weights, path);
  for (auto& [name, parameter] : parameters) parameter.info.tensor.copy_(weights.at(name));
}

StateDict export_training(const Training& training, const std::vector<Training>& trainings, const RunDirectory& run,
                          WeightFormat format) {
  const FilePath finished = run.finished(training.name);
  check_input(std::filesystem::exists(finished), "{} is not done in {} (there is no {}). Run it first.", training.name,
              run.root().string(), finished.string());
  StagedModel model(training.spec);
  load_finished_weights(model, training, trainings, run);
  return named_weights(model, format);
}

void import_training(const Training& training, const RunDirectory& run, WeightFormat format, const FilePath& input,
                     const std::string& config_text) {
  StagedModel model(training.spec);
  load_named_weights(model, format, load_safetensors(input), input);
  check_not_begun(training, run);
  run.create();
  const Lock lock(run.lock(training.name));
  Checkpoint checkpoint{.header = {.training = training.name,
                                   .step = training.total_steps,
                                   .identity = training.identity,
                                   .identity_text = training.identity_text,
                                   .config = config_text,
                                   .figures = {{"imported", 1}}},
                        .state = {}};
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    if (!training.is_learning[i]) continue;
    for (const ParameterInfo& info : model.stage(i).list_parameters()) {
      checkpoint.state[stage_key(i, info.name)] = info.tensor.detach();
    }
  }
  save_checkpoint(run.finished(training.name), checkpoint, [&] { check_held(run.lock(training.name), lock.token()); });
}

}  // namespace incubate
