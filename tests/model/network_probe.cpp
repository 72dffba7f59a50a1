// Writes the program's inner results, for tests that compare it with another implementation (test_parity_*.py):
//   network_probe initial   --training=T --output=F            the first weights of a training
//   network_probe batches   --training=T --output=F            "images" and "labels" of all its steps, as it reads them
//   network_probe gradients --weights=F --batch=F --output=F   of the target network: "logits", "loss", "gradient.NAME"
//                           with --double computed in double precision
//   network_probe evaluation --weights=F --batch=F --output=F  the same network's "logits" in evaluation
//   network_probe recipe    --training=T [--images=N]          JSON: learning rate of each step, what decays,
//                                                              each parameter's part of the rate
//   network_probe timm                                         config.json of the target network's export
// with --config and settings as `incubate train` takes them. Files are safetensors, weights under timm's names.
#include <cstdio>
#include <map>

#include <nlohmann/json.hpp>
#include <torch/torch.h>

#include "base/check.h"
#include "checkpoint/safetensors.h"
#include "config/parse.h"
#include "config/validate.h"
#include "data/loader.h"
#include "method/start_weights.h"
#include "method/timm_config.h"
#include "method/weight_files.h"
#include "model/weight_names.h"
#include "support/tiny_model.h"
#include "tasks/image_classification/image_classification.h"
#include "train/flat_parameters.h"
#include "train/lr_schedule.h"
#include "train/optimizer.h"
#include "vision/array_dataset.h"

namespace incubate {
namespace {

struct Options {
  std::string training, weights, batch, output;
  std::int64_t images = 0;
  bool in_double = false;
};

std::vector<Setting> list_settings(Options& o) {
  const Kind k = Kind::operation;
  return {make_setting("training", o.training, k, "", "-"), make_setting("weights", o.weights, k, "", "-"),
          make_setting("batch", o.batch, k, "", "-"),       make_setting("output", o.output, k, "", "-"),
          make_setting("images", o.images, k, "", "-"),     make_flag("double", o.in_double, "-")};
}

DatasetInfo find_dataset(const RunConfig& config, std::int64_t num_images) {
  if (num_images == 0) return check_dataset(config.data.file);
  return {.num_train = num_images,
          .height = config.model.image_size,
          .width = config.model.image_size,
          .channels = config.model.channels,
          .class_names = std::vector<std::string>(config.model.classes),
          .digest = ""};
}

void write_initial(const RunConfig& config, const Options& options) {
  const std::vector<Training> trainings = list_trainings(config, check_dataset(config.data.file));
  const Training& training = find_training(trainings, options.training);
  StagedModel model = make_classifier(training.spec);
  VerifiedFiles verified;
  load_start_weights(model, training, trainings, RunDirectory(config.run.directory),
                     static_cast<std::uint64_t>(config.run.seed), verified);
  save_safetensors(options.output, named_weights(model, WeightFormat::timm));
}

void write_batches(const RunConfig& config, const Options& options) {
  const ArrayDataset dataset(config.data.file, Split::train);
  const std::vector<Training> trainings = list_trainings(config, check_dataset(config.data.file));
  const Training& training = find_training(trainings, options.training);
  const auto seed = static_cast<std::uint64_t>(config.run.seed);
  const RandomSampler sampler(dataset.num_images(), config.batch.global, config.phase(training.phase).micro, seed,
                              training.phase);
  const std::unique_ptr<const Task> task = make_task(config, training.phase);
  Loader loader(task->make_samples(dataset, Split::train), std::make_unique<RandomSampler>(sampler));
  std::vector<torch::Tensor> images, labels;
  for (std::int64_t step = 0; step < training.total_steps; ++step) {
    for (std::int64_t m = 0; m < sampler.micro_batches_per_step(); ++m) {
      const std::unique_ptr<Batch> batch = loader.load({.epoch = step / sampler.steps_per_epoch(),
                                                        .step_in_epoch = step % sampler.steps_per_epoch(),
                                                        .micro_batch = m});
      const DeviceBatch tensors = task->to_device(*batch, torch::kCPU);
      images.push_back(tensors.input.clone());
      labels.push_back(tensors.targets[kLabels].to(torch::kFloat32));
    }
  }
  const auto by_step = [&](const std::vector<torch::Tensor>& parts) {
    return torch::cat(parts).unflatten(0, {training.total_steps, config.batch.global}).contiguous();
  };
  save_safetensors(options.output, {{"images", by_step(images)}, {"labels", by_step(labels)}});
}

void write_gradients(const RunConfig& config, const Options& options) {
  StagedModel model = make_classifier(target_spec(config.model));
  load_named_weights(model, WeightFormat::timm, load_safetensors(options.weights), options.weights);
  const StateDict batch = load_safetensors(options.batch);
  const auto type = options.in_double ? torch::kFloat64 : torch::kFloat32;
  for (std::int64_t i = 0; i < model.num_stages(); ++i) model.stage(i).to(type);
  model.head().to(type);
  const torch::Tensor logits = model.forward(batch.at("images").to(type), {});
  const torch::Tensor labels = batch.at("labels").to(torch::kInt64);
  const torch::Tensor loss = make_task(config, Phase::end_to_end)->loss(logits, {labels, {}, {}}).value;
  loss.backward();
  StateDict result = {{"logits", logits}, {"loss", loss}};
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    for (const ParameterInfo& p : model.list_parameters(i)) {
      result["gradient." + weight_name(WeightFormat::timm, model.spec(), i, p.name)] = p.tensor.grad();
    }
  }
  for (auto& [name, tensor] : result) tensor = tensor.detach().to(torch::kFloat32);
  save_safetensors(options.output, result);
}

void write_evaluation(const RunConfig& config, const Options& options) {
  const torch::NoGradGuard no_grad;
  StagedModel model = make_classifier(target_spec(config.model));
  load_named_weights(model, WeightFormat::timm, load_safetensors(options.weights), options.weights);
  model.eval();
  save_safetensors(options.output, {{"logits", model.forward(load_safetensors(options.batch).at("images"), {})}});
}

/// Returns the name of a stage's parameter in timm's network.
std::string name_of(const Training& training, const FlatView& view) {
  return weight_name(WeightFormat::timm, training.spec, view.stage, view.name);
}

void print_recipe(const RunConfig& config, const Options& options) {
  const DatasetInfo data = find_dataset(config, options.images);
  const std::vector<Training> trainings = list_trainings(config, data);
  const Training& training = find_training(trainings, options.training);
  const LrSchedule schedule = make_lr_schedule(config.phase(training.phase), config.batch.global,
                                               data.num_train / config.batch.global, training.total_steps);
  std::vector<double> rates;
  for (std::int64_t step = 0; step < training.total_steps; ++step) rates.push_back(learning_rate_at(schedule, step));
  StagedModel model = make_classifier(training.spec);
  model.set_learning(training.is_learning);
  const FlatParameters parameters(model, torch::kCPU);
  std::map<std::string, bool> decays;
  std::map<std::string, double> factors;
  for (const FlatView& view : parameters.parameter_views()) {
    for (const Segment& segment : parameters.segments()) {
      if (view.offset < segment.begin || view.offset >= segment.end) continue;
      decays[name_of(training, view)] = segment.decays;
      factors[name_of(training, view)] = rate_factor(segment, config.phase(training.phase).layer_decay);
    }
  }
  std::puts(nlohmann::json({{"learning_rates", rates}, {"decays", decays}, {"rate_factors", factors}}).dump().c_str());
}

void print_timm_config(const RunConfig& config, const Options& /*options*/) {
  const std::vector<Training> trainings = list_trainings(config, imagine_dataset(config.model, config.batch.global));
  std::puts(timm_config(find_training(trainings, "finetuned"), config, {}).c_str());
}

void run(const std::vector<std::string>& arguments) {
  RunConfig config;
  Options options;
  parse_arguments({arguments.begin() + 1, arguments.end()}, list_settings(config), list_settings(options));
  validate_without_data_file(config);
  const std::map<std::string, void (*)(const RunConfig&, const Options&)> modes = {
      {"initial", write_initial},       {"batches", write_batches}, {"gradients", write_gradients},
      {"evaluation", write_evaluation}, {"recipe", print_recipe},   {"timm", print_timm_config}};
  modes.at(arguments.front())(config, options);
}

}  // namespace
}  // namespace incubate

int main(int argc, char* argv[]) {
  try {
    incubate::run({argv + 1, argv + argc});
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "network_probe: %s\n", error.what());
    return 1;
  }
}
