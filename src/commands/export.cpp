#include "base/check.h"
#include "checkpoint/safetensors.h"
#include "commands/commands.h"
#include "commands/run_arguments.h"
#include "method/exchange.h"

namespace incubate {
namespace {

constexpr const char* kHelp =
    "incubate export --config input/NAME.ini --training=NAME --output=F.safetensors\n"
    "  [--format=timm|reference] [--section.key=value ...]\n\n"
    "Writes the weights of a finished training under the names of another program.\n"
    "Of an incubation: the whole hybrid, its stage within the meta model's others.\n\n"
    "  --print-config  print the effective configuration of the run and do nothing\n"
    "  --help          this text\n";

void export_weights(const RunConfig& config, const ExportConfig& options, Log& log) {
  validate(options);
  const std::vector<Training> trainings = list_trainings(config, check_dataset(config.data.file));
  const Training& training = find_training(trainings, options.training);
  const StateDict weights = export_training(training, trainings, RunDirectory(config.run.directory), options.format);
  try {
    save_safetensors(options.output, weights);
  } catch (const std::runtime_error& error) {
    throw InputError(fmt::format("--output={}: {}. Choose another place.", options.output, error.what()));
  }
  log.info(fmt::format("{} written: {} tensors of {}", options.output, weights.size(), training.name));
}

}  // namespace

void export_command(const std::vector<std::string>& arguments, Communicator& world, Log& log) {
  agree(world, [&] {
    if (!world.is_leader()) return;
    RunConfig config;
    ExportConfig options;
    if (read_run_arguments(arguments, kHelp, config, list_settings(options))) export_weights(config, options, log);
  });
}

}  // namespace incubate
