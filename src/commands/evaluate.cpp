#include <fmt/ranges.h>

#include "base/check.h"
#include "commands/commands.h"
#include "commands/run_arguments.h"
#include "inference/evaluation.h"
#include "parallel/launch_check.h"
#include "run/arithmetic.h"
#include "run/choose_device.h"
#include "run/shared_data.h"

namespace incubate {
namespace {

constexpr const char* kEvaluateHelp =
    "incubate evaluate [--config] runs/NAME/config.ini --training=NAME\n"
    "  [--data.file=F.h5] [--split=validation|train] [--output=F.h5]\n\n"
    "Evaluates a finished training, or weights of a file (--input), on a packed set.\n"
    "The figures are the same on any number of ranks. --output writes them, with\n"
    "those of each class and the confusion matrix, to F.h5, F-classes.csv and\n"
    "F-confusion.csv. The set may have fewer classes than the training's; classes\n"
    "are matched by name.\n\n"
    "  --print-config  print the effective configuration of the run and do nothing\n"
    "                  (--print-config=changed: what is not a default, and why)\n"
    "  --help [NAME]   this text, or the settings of a section\n";

}  // namespace

void describe_evaluate(const std::vector<std::string>& arguments) {
  RunConfig config;
  EvaluateConfig options;
  read_run_arguments(arguments, kEvaluateHelp, config, list_settings(options));
}

void evaluate_command(const std::vector<std::string>& arguments, Communicator& world, Log& log) {
  check_launch(world);
  RunConfig config;
  EvaluateConfig options;
  read_shared_arguments(arguments, config, list_settings(options), world);
  cap_instructions(config.run.instructions);
  world.set_timeout(config.run.timeout_s);
  agree(world, [&] {
    validate(options.network, "evaluate");
    if (world.is_leader() && !options.output.empty()) check_evaluation_output(options.output);
  });
  const DatasetInfo data = check_data_on_all(config.data.file, world);
  const AvailableDevice device = choose_device(config.run.device, world);
  settle_sums(config.run, device.device.is_cuda());
  if (world.is_leader() && !device.warning.empty()) log.warn(device.warning);
  ProcessGroup group(world.split(0), device.device);
  const TrainedNetwork network = load_network(config, options.network, group);
  const Split split = options.split == SplitChoice::train ? Split::train : Split::validation;
  const Stopwatch watch;
  const Evaluation evaluation = evaluate_network(config, network, data, split, group, log);
  const double elapsed_s = watch.elapsed_s();
  agree(world, [&] {
    if (!world.is_leader()) return;
    log.info(fmt::format("{} on {} ({}, {} images): {} ({:.0f} images/s)", network.origin, config.data.file,
                         to_string(split), evaluation.num_images, format_figures(evaluation.infos, evaluation.figures),
                         static_cast<double>(evaluation.num_images) / elapsed_s));
    if (options.output.empty()) return;
    const std::vector<FilePath> files =
        write_evaluation(options.output, evaluation,
                         {.network = network.origin,
                          .identity = options.network.input.empty() ? network.training.identity : "",
                          .data_file = config.data.file,
                          .data_digest = data.digest,
                          .split = split});
    std::vector<std::string> names;
    for (const FilePath& file : files) names.push_back(file.string());
    log.info(fmt::format("{} written", fmt::join(names, ", ")));
  });
  world.barrier("ending the evaluation");
}

}  // namespace incubate
