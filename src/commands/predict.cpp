#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/output_name.h"
#include "commands/commands.h"
#include "commands/print_output.h"
#include "commands/run_arguments.h"
#include "inference/prediction.h"
#include "pack/cifar.h"
#include "parallel/launch_check.h"
#include "run/arithmetic.h"
#include "run/choose_device.h"
#include "run/shared_data.h"
#include "vision/image_files.h"

namespace incubate {
namespace {

constexpr const char* kPredictHelp =
    "incubate predict [--config] runs/NAME/config.ini --training=NAME \\\n"
    "  IMAGE_OR_FOLDER...\n"
    "incubate predict [--config] runs/NAME/config.ini --training=NAME \\\n"
    "  [--data.file=F.h5] [--split=validation|train]\n\n"
    "Says which classes the images are of, by a finished training or by weights of a\n"
    "file (--input): JPEG and PNG files, those in folders and below, or a packed set.\n"
    "Prints a line an image, in their order, with the likeliest classes and their\n"
    "probabilities; of many images with mpirun -n N. An image that cannot be read is\n"
    "named, its line has no class, and the command ends with status 2.\n\n"
    "  --print-config  print the effective configuration of the run and do nothing\n"
    "                  (--print-config=changed: what is not a default, and why)\n"
    "  --help [NAME]   this text, or the settings of a section\n";

/// stdout is for results.
void warn(const std::string& message) { fmt::print(stderr, "incubate: warning: {}\n", message); }

/// Returns rank 0's images on every rank.
std::vector<std::string> share_files(const std::vector<std::string>& words, const PredictConfig& options,
                                     const Communicator& world) {
  ListedImages listed;
  agree(world, [&] {
    if (!world.is_leader()) return;
    listed = list_image_files(words);
    check_input(words.empty() || !listed.files.empty(),
                "{} has no .jpg, .jpeg or .png file. Name JPEG or PNG files, or folders of them.", words.front());
    if (!listed.left_out.empty()) {
      warn(fmt::format("{} of other endings than .jpg, .jpeg and .png left out, such as {}.", listed.left_out.size(),
                       listed.left_out.front()));
    }
    if (options.output.empty()) return;
    check_output_name(options.output, listed.files);
    check_text_replaceable(options.output, prediction_begin(options));
    check_output_place(options.output);
  });
  from_text("images", world.broadcast(to_text(listed.files), "sharing the list of images"), listed.files);
  return listed.files;
}

/// Returns `config` with images of any size brought to the network's.
RunConfig with_resizing(RunConfig config, Phase phase) {
  if (config.phase(phase).crop == Crop::resized) return config;
  config.phase(phase).crop = Crop::resized;
  config.data.eval_crop = 1;
  return config;
}

}  // namespace

void describe_predict(const std::vector<std::string>& arguments) {
  RunConfig config;
  PredictConfig options;
  std::vector<std::string> words;
  read_run_arguments(arguments, kPredictHelp, config, list_settings(options), validate_without_data_file, &words);
}

void predict_command(const std::vector<std::string>& arguments, Communicator& world) {
  check_launch(world);
  RunConfig config;
  PredictConfig options;
  std::vector<std::string> words;
  read_shared_arguments(arguments, config, list_settings(options), world, validate_without_data_file, &words);
  cap_instructions(config.run.instructions);
  world.set_timeout(config.run.timeout_s);
  agree(world, [&] { validate(options.network, "predict"); });
  const std::vector<std::string> files = share_files(words, options, world);
  const Split split = options.split == SplitChoice::train ? Split::train : Split::validation;
  DatasetInfo data;
  if (files.empty()) {
    agree(world, [&] {
      check_input(!config.data.file.empty(),
                  "no image is named, and data.file is missing. Name JPEG or PNG files, folders of them, or "
                  "--data.file.");
    });
    data = check_data_on_all(config.data.file, world);
  }
  const AvailableDevice device = choose_device(config.run.device, world);
  settle_sums(config.run, device.device.is_cuda());
  if (world.is_leader() && !device.warning.empty()) warn(device.warning);
  ProcessGroup group(world.split(0), device.device);
  TrainedNetwork network = load_network(config, options.network, group);
  agree(world, [&] {
    if (files.empty()) {
      check_images_fit(config, network, data);
    } else {
      check_input(config.model.channels == 1 || config.model.channels == 3,
                  "{} takes images of {} channels, but image files are grey or in colour. Pack arrays (incubate pack "
                  "--format=npy), and name them by --data.file.",
                  network.origin, config.model.channels);
    }
    if (options.class_names_file.empty()) return;
    network.class_names = read_class_names(options.class_names_file);
    check_input(std::ssize(network.class_names) == config.model.classes,
                "--class-names-file={} has {} names, but {} tells {} classes apart. Give a name for each.",
                options.class_names_file, network.class_names.size(), network.origin, config.model.classes);
  });
  options.top = std::min(options.top, config.model.classes);
  const Phase phase = network.training.phase;
  const std::unique_ptr<const Task> file_task = make_task(with_resizing(config, phase), phase);
  const std::unique_ptr<const Dataset> images =
      files.empty() ? open_on_all(config.data.file, split, world)
                    : std::make_unique<ImageFiles>(std::vector<std::filesystem::path>(files.begin(), files.end()),
                                                   config.model.channels);
  const Stopwatch watch;
  std::string text = prediction_header(options);
  const auto write = [&](const std::string& lines) {
    text += lines;
    if (options.output.empty()) print_output(std::exchange(text, ""));
  };
  const PredictionCounts counts =
      predict(network,
              {*images, files.empty() ? *network.task : *file_task,
               [&](std::int64_t index) {
                 return files.empty() ? fmt::format("{}/{}", to_string(split), index) : files[index];
               }},
              options, config.data.workers, group, write, warn);
  agree(world, [&] {
    if (world.is_leader() && !options.output.empty()) replace_text_atomically(options.output, text);
  });
  const std::int64_t all = counts.predicted + counts.damaged;
  if (world.is_leader()) {
    fmt::print(stderr, "incubate: {} images, {:.0f} a second\n", all, static_cast<double>(all) / watch.elapsed_s());
  }
  agree(world, [&] {
    check_input(counts.damaged == 0, "{} of {} images could not be read (see above): their lines have no class.",
                counts.damaged, all);
  });
}

}  // namespace incubate
