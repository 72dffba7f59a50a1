#include "commands/commands.h"
#include "commands/run_arguments.h"
#include "config/parse.h"
#include "forecast/describe_memory.h"
#include "method/weight_files.h"

namespace incubate {
namespace {

constexpr const char* kImportHelp =
    "incubate import [--config] input/NAME.ini --training=NAME --input=F.safetensors\n"
    "  [--format=timm|reference] [--section.key=value ...]\n\n"
    "Makes a training of the run done with weights of another program, so that the\n"
    "trainings after it start from them. Of an incubation: give the whole hybrid; its\n"
    "own stage is kept.\n\n"
    "  --print-config  print the effective configuration of the run and do nothing\n"
    "                  (--print-config=changed: what is not a default, and why)\n"
    "  --help [NAME]   this text, or the settings of a section\n";

void import_weights(RunConfig& config, const ImportConfig& options, Log& log) {
  validate(options);
  const bool is_open = config.run.sums == SumsChoice::automatic;
  settle_sums(config.run, config.run.device == DeviceChoice::cuda);
  const std::vector<Training> trainings = list_trainings(config, find_data(config, options.training));
  const Training& training = find_training(trainings, options.training);
  const RunDirectory run(config.run.directory);
  explain_lack_of_memory(
      [&] { return describe_exchange_memory(training); },
      [&] { import_training(training, *make_task(config, training.phase), run, options.format, options.input); });
  log.info(fmt::format("{} written: {} has the weights of {}", run.finished(training.name).string(), training.name,
                       options.input));
  // Later trainings of the run must use the same sums.
  if (!std::filesystem::exists(run.config())) run.write_config(training.config);
  if (!is_open) return;
  log.info(
      fmt::format("The run has run.sums={} from now on. Where GPUs go on with it, fast ones take less time: give "
                  "import --run.sums=fast.",
                  to_string(sums_of(config.run))));
}

}  // namespace

void describe_import(const std::vector<std::string>& arguments) {
  RunConfig config;
  ImportConfig options;
  read_run_arguments(arguments, kImportHelp, config, list_settings(options));
}

void import_command(const std::vector<std::string>& arguments, Communicator& world, Log& log) {
  agree(world, [&] {
    if (!world.is_leader()) return;
    RunConfig config;
    ImportConfig options;
    read_run_arguments(arguments, kImportHelp, config, list_settings(options), validate_without_data_file);
    import_weights(config, options, log);
  });
}

}  // namespace incubate
