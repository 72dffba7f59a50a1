#include "method/weight_files.h"

#include <algorithm>

#include <fmt/ranges.h>
#include <torch/torch.h>

#include "base/check.h"
#include "checkpoint/lock.h"
#include "checkpoint/safetensors.h"
#include "method/start_weights.h"
#include "model/weight_names.h"

namespace incubate {
namespace {

/// Returns the model's parameters and running statistics by their names in a file.
StateDict list_named(StagedModel& model, WeightFormat format) {
  StateDict list;
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    for (const NamedTensor& item : model.list_state(i)) {
      list[weight_name(format, model.spec(), i, item.name)] = item.tensor;
    }
  }
  return list;
}

std::string shape_text(const torch::Tensor& tensor) { return fmt::format("[{}]", fmt::join(tensor.sizes(), ", ")); }

/// Returns what stands before each of the network's names in `weights`, such as "module."; "" if that is not all.
std::string find_prefix(const StateDict& parameters, const StateDict& weights) {
  const std::string& some = parameters.begin()->first;
  if (weights.contains(some)) return "";
  for (const auto& [name, tensor] : weights) {
    if (!name.ends_with("." + some)) continue;
    const std::string prefix = name.substr(0, name.size() - some.size());
    if (std::ranges::all_of(parameters, [&](const auto& entry) { return weights.contains(prefix + entry.first); })) {
      return prefix;
    }
  }
  return "";
}

void check_fits(const StateDict& parameters, const StateDict& weights, const FilePath& path) {
  const std::string prefix = find_prefix(parameters, weights);
  check_input(
      prefix.empty(),
      "{} has '{}' before all names of the network, as a wrapper such as DistributedDataParallel leaves it. Save "
      "it without, in Python: {{name.removeprefix('{}'): tensor for name, tensor in state.items()}}.",
      path.string(), quotable(prefix), quotable(prefix));
  for (const auto& [name, parameter] : parameters) {
    const auto found = weights.find(name);
    check_input(found != weights.end(),
                "{} lacks the tensor '{}' (the network has {}, all of which are needed). Give weights of the network "
                "that [model] describes, and their --format.",
                path.string(), name, parameters.size());
    check_input(found->second.sizes() == parameter.sizes(),
                "{}: tensor '{}' has the shape {} but the network's is {}. Give weights of the network that [model] "
                "describes.",
                path.string(), name, shape_text(found->second), shape_text(parameter));
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

void check_format(WeightFormat format, const ModelSpec& spec) {
  check_input(has_names(format, spec),
              "--format=reference has no names for the network that [model] describes (the reference has vision "
              "transformers only). Give --format=timm.");
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
  for (const auto& [name, parameter] : list_named(model, format)) weights[name] = parameter.detach();
  return weights;
}

void load_named_weights(StagedModel& model, WeightFormat format, StateDict weights, const FilePath& path,
                        bool takes_head) {
  const torch::NoGradGuard no_grad;
  StateDict parameters = list_named(model, format);
  const std::vector<NamedTensor> left_out = takes_head ? std::vector<NamedTensor>() : model.head().list_state();
  for (const NamedTensor& item : left_out) {
    const std::string name = weight_name(format, model.spec(), model.num_stages() - 1, item.name);
    parameters.erase(name);
    weights.erase(name);
  }
  check_fits(parameters, weights, path);
  for (auto& [name, parameter] : parameters) parameter.copy_(weights.at(name));
}

DatasetInfo find_data(const RunConfig& config, const std::string& training) {
  const RunDirectory run(config.run.directory);
  std::vector<std::string> names = {training};
  for (const Training& other : list_trainings(config, imagine_dataset(config.model, config.batch.global))) {
    names.push_back(other.name);
  }
  for (const std::string& name : names) {
    if (!std::filesystem::exists(run.finished(name))) continue;
    if (const auto data = load_header(run.finished(name)).data) return *data;
  }
  check_input(!config.data.file.empty(), "data.file is missing, and no file of {} says what was trained on. Give it.",
              run.root().string());
  return check_dataset(config.data.file);
}

void check_done(const Training& training, const RunDirectory& run) {
  const FilePath finished = run.finished(training.name);
  check_input(std::filesystem::exists(finished), "{} is not done in {} (there is no {}). Run it first.", training.name,
              run.root().string(), finished.string());
}

StateDict export_training(const Training& training, const std::vector<Training>& trainings, const Task& task,
                          const RunDirectory& run, WeightFormat format) {
  check_format(format, training.spec);
  check_done(training, run);
  StagedModel model(training.spec, task.make_head(training.spec));
  load_finished_weights(model, training, trainings, run);
  return named_weights(model, format);
}

void import_training(const Training& training, const Task& task, const RunDirectory& run, WeightFormat format,
                     const FilePath& input) {
  check_format(format, training.spec);
  StagedModel model(training.spec, task.make_head(training.spec));
  load_named_weights(model, format, load_safetensors(input), input);
  check_not_begun(training, run);
  run.create();
  const Lock lock(run.lock(training.name));
  Checkpoint checkpoint{.header = {.training = training.name,
                                   .step = training.total_steps,
                                   .identity = training.identity,
                                   .identity_text = training.identity_text,
                                   .config = training.config,
                                   .data = training.data,
                                   .figures = {{"imported", 1}}},
                        .state = {}};
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    if (!training.is_learning[i]) continue;
    for (const NamedTensor& item : model.list_state(i)) {
      checkpoint.state[stage_key(i, item.name)] = item.tensor.detach();
    }
  }
  save_checkpoint(run.finished(training.name), checkpoint, [&] { check_held(run.lock(training.name), lock.token()); });
}

}  // namespace incubate
