#include "base/check.h"
#include "base/output_name.h"
#include "checkpoint/safetensors.h"
#include "commands/commands.h"
#include "commands/print_output.h"
#include "commands/run_arguments.h"
#include "forecast/describe_memory.h"
#include "method/timm_config.h"
#include "method/weight_files.h"
#include "report/progress.h"

namespace incubate {
namespace {

constexpr const char* kExportHelp =
    "incubate export [--config] runs/NAME/config.ini --training=NAME --output=FOLDER\n"
    "incubate export [--config] runs/NAME/config.ini --training=NAME \\\n"
    "  --output=F.safetensors [--format=timm|reference]\n\n"
    "Writes the network of a finished training for other programs: a folder with\n"
    "weights and config.json, which timm loads as 'local-dir:FOLDER', or the weights\n"
    "alone. Of an incubation: the whole hybrid, its stage within the meta model's\n"
    "others.\n\n"
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

bool is_folder(const FilePath& output) { return output.extension() != ".safetensors"; }

void check_folder(const FilePath& folder) {
  check_input(!std::filesystem::exists(folder) || std::filesystem::is_directory(folder),
              "--output={} is a file, and is to be a folder. Choose another name, or one that ends in .safetensors.",
              folder.string());
  check_text_replaceable(folder / "config.json", "{\n  \"architecture\":");
}

void export_weights(const RunConfig& config, const ExportConfig& options) {
  validate(options);
  const FilePath output = options.output;
  const FilePath file = is_folder(output) ? output / "model.safetensors" : output;
  check_safetensors_output(is_folder(output) && std::filesystem::is_directory(output) ? file : output);
  check_input(!is_folder(output) || options.format == WeightFormat::timm,
              "--output={} is a folder, for timm, but --format=reference. Leave --format out, or name a file that ends "
              "in .safetensors.",
              options.output);
  const RunDirectory run(config.run.directory);
  const std::vector<Training> trainings = list_trainings(config, find_data(config, options.training));
  const Training& training = find_training(trainings, options.training);
  check_done(training, run);
  const std::string description =
      is_folder(output) ? timm_config(training, config, load_header(run.finished(training.name)).figures) : "";
  if (is_folder(output)) check_folder(output);
  check_output_name(file.string());
  const std::unique_ptr<const Task> task = make_task(config, training.phase);
  const StateDict weights =
      explain_lack_of_memory([&] { return describe_exchange_memory(training); },
                             [&] { return export_training(training, trainings, *task, run, options.format); });
  try {
    WriteProgress progress;
    if (is_folder(output)) std::filesystem::create_directories(output);
    save_safetensors(file, weights, [&](std::int64_t done, std::int64_t total) { progress.show(done, total); });
    if (is_folder(output)) replace_text_atomically(output / "config.json", description);
  } catch (const std::runtime_error& error) {
    throw InputError(fmt::format("--output={}: {}. Choose another place.", options.output, error.what()));
  }
  print_output(fmt::format("{} written: {} tensors of {}\n", file.string(), weights.size(), training.name));
  if (is_folder(output)) {
    print_output(fmt::format("{} written: timm.create_model(\"local-dir:{}\", pretrained=True)\n",
                             (output / "config.json").string(), output.string()));
  }
}

}  // namespace

void export_command(const std::vector<std::string>& arguments) {
  RunConfig config;
  ExportConfig options;
  if (read_run_arguments(arguments, kExportHelp, config, list_settings(options), validate_without_data_file)) {
    export_weights(config, options);
  }
}

}  // namespace incubate
