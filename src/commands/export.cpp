#include "base/check.h"
#include "base/output_name.h"
#include "checkpoint/safetensors.h"
#include "commands/commands.h"
#include "commands/print_output.h"
#include "commands/run_arguments.h"
#include "forecast/describe_memory.h"
#include "method/weight_files.h"
#include "report/progress.h"

namespace incubate {
namespace {

constexpr const char* kExportHelp =
    "incubate export [--config] input/NAME.ini --training=NAME --output=F.safetensors\n"
    "  [--format=timm|reference] [--section.key=value ...]\n\n"
    "Writes the weights of a finished training under the names of another program.\n"
    "Of an incubation: the whole hybrid, its stage within the meta model's others.\n\n"
    "  --print-config  print the effective configuration of the run and do nothing\n"
    "                  (--print-config=changed: what is not a default, and why)\n"
    "  --help [NAME]   this text, or the settings of a section\n";

/// Shows the progress of writing a file, after the first second.
class WriteProgress {
 public:
  void show(std::int64_t done, std::int64_t total) {
    if (watch_.elapsed_s() < 1) return;
    const double fraction = static_cast<double>(done) / static_cast<double>(total);
    progress_.update("export",
                     fmt::format("{:<11} [{}] {:3.0f}%  {:.2f} of {:.2f} GB", "export", draw_bar(fraction),
                                 100 * fraction, static_cast<double>(done) / 1e9, static_cast<double>(total) / 1e9),
                     done == total);
  }

 private:
  Progress progress_{automatic_progress_style()};
  Stopwatch watch_;
};

void export_weights(const RunConfig& config, const ExportConfig& options) {
  validate(options);
  check_output_name(options.output);
  check_safetensors_output(options.output);
  const std::vector<Training> trainings = list_trainings(config, check_dataset(config.data.file));
  const Training& training = find_training(trainings, options.training);
  const std::unique_ptr<const Task> task = make_task(config, training.phase);
  const StateDict weights = explain_lack_of_memory(
      [&] { return describe_exchange_memory(training); },
      [&] { return export_training(training, trainings, *task, RunDirectory(config.run.directory), options.format); });
  try {
    WriteProgress progress;
    save_safetensors(options.output, weights,
                     [&](std::int64_t done, std::int64_t total) { progress.show(done, total); });
  } catch (const std::runtime_error& error) {
    throw InputError(fmt::format("--output={}: {}. Choose another place.", options.output, error.what()));
  }
  print_output(fmt::format("{} written: {} tensors of {}\n", options.output, weights.size(), training.name));
}

}  // namespace

void export_command(const std::vector<std::string>& arguments) {
  RunConfig config;
  ExportConfig options;
  if (read_run_arguments(arguments, kExportHelp, config, list_settings(options))) export_weights(config, options);
}

}  // namespace incubate
