#include "inference/trained_network.h"

#include <algorithm>

#include <torch/torch.h>

#include "base/check.h"
#include "checkpoint/safetensors.h"
#include "config/method_table.h"
#include "forecast/describe_memory.h"
#include "method/start_weights.h"
#include "method/weight_files.h"
#include "run/shared_data.h"

namespace incubate {

TrainedNetwork load_network(const RunConfig& config, const NetworkChoice& choice, ProcessGroup& group) {
  const RunDirectory run(config.run.directory);
  const bool is_own = choice.input.empty();
  DatasetInfo data;
  agree(group.communicator(), [&] {
    if (!group.is_leader()) return;
    data = is_own ? find_data(config, choice.training) : imagine_dataset(config.model, config.batch.global);
  });
  share_dataset_info(data, group.communicator());
  TrainedNetwork network{
      .origin = is_own ? choice.training : choice.input, .training = {}, .task = {}, .model = {}, .class_names = {}};
  std::vector<Training> trainings;
  agree(group.communicator(), [&] {
    trainings = list_trainings(config, data);
    const std::string name = is_own ? choice.training : training_name(row_of(Phase::finetuning), 0);
    network.training = find_training(trainings, name);
    network.task = make_task(config, network.training.phase);
    network.model =
        std::make_unique<StagedModel>(network.training.spec, network.task->make_head(network.training.spec));
    if (!group.is_leader()) return;
    if (is_own) {
      check_done(network.training, run);
      load_finished_weights(*network.model, network.training, trainings, run);
    } else {
      load_named_weights(*network.model, choice.format, load_safetensors(choice.input), choice.input);
    }
  });
  if (is_own && std::ranges::none_of(data.class_names, &std::string::empty)) network.class_names = data.class_names;
  const torch::NoGradGuard no_grad;
  network.model->to(group.device());
  for (std::int64_t i = 0; i < network.model->num_stages(); ++i) {
    for (NamedTensor& item : network.model->list_state(i)) group.broadcast(item.tensor, "sharing the network");
  }
  network.model->update_copies();
  return network;
}

void check_images_fit(const RunConfig& config, const TrainedNetwork& network, const DatasetInfo& data) {
  const std::string& file = config.data.file;
  const ModelSpec& spec = network.training.spec;
  check_input(data.channels == config.model.channels,
              "{} has images of {} channels, but {} takes {}. Pack images with {} channels.", file, data.channels,
              network.origin, config.model.channels, config.model.channels);
  const bool resizes = config.phase(network.training.phase).crop == Crop::resized;
  check_input(
      resizes || (data.height == spec.image_size && data.width == spec.image_size),
      "{} has images of {}, but {} takes {}x{} pixels as they are ({}.crop is not resized). Pack images of that "
      "size.",
      file, data.height > 0 ? fmt::format("{}x{} pixels", data.height, data.width) : "different sizes", network.origin,
      spec.image_size, spec.image_size, section_of(network.training.phase));
}

}  // namespace incubate
