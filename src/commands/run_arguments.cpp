#include "commands/run_arguments.h"

#include <algorithm>
#include <set>

#include "checkpoint/run_directory.h"
#include "commands/print_output.h"
#include "config/parse.h"
#include "vision/dataset.h"

namespace incubate {
namespace {

/// Sets run.directory to the folder of the config.ini that a run wrote there, wherever it was moved or copied.
void stay_with_config_file(RunSection& run, CommonOptions& common) {
  const std::filesystem::path file = common.config_file;
  const RunDirectory place(file.has_parent_path() ? file.parent_path() : ".");
  std::string& origin = common.origins["run.directory"];
  std::error_code ignored;
  if (file.filename() != place.config().filename() || origin == kOnCommandLine || !place.is_own()) return;
  if (std::filesystem::equivalent(place.root(), run.directory, ignored)) return;
  run.directory = place.root();
  origin = "where " + common.config_file + " lies";
}

/// Sets run.sums, if it is open, to that with which the run began, or else its parent, because it is part of the
/// identity. Device and command do not matter.
void keep_sums_of_run(RunSection& run, Origins& origins) {
  for (const std::string& directory : {run.directory, run.parent}) {
    if (run.sums != SumsChoice::automatic || directory.empty()) continue;
    const std::filesystem::path file = RunDirectory(directory).config();
    const auto sums = find_in_ini(file, "run.sums");
    if (sums == to_string(Sums::exact)) run.sums = SumsChoice::exact;
    if (sums == to_string(Sums::fast)) run.sums = SumsChoice::fast;
    if (run.sums != SumsChoice::automatic) origins["run.sums"] = "in " + file.string() + ", as the run began";
  }
}

/// Does the same for transfer.source, so that a run that has begun needs the file no more.
void keep_source_of_run(TransferConfig& transfer, const RunSection& run, Origins& origins) {
  if (transfer.from.empty() || !transfer.source.empty()) return;
  const std::filesystem::path file = RunDirectory(run.directory).config();
  const auto source = find_in_ini(file, "transfer.source");
  if (!source || source->empty() || find_in_ini(file, "transfer.from") != transfer.from) return;
  transfer.source = *source;
  origins["transfer.source"] = "in " + file.string() + ", as the run began";
}

/// Settles what a configuration leaves out and the images decide: as the run began, or else as data.file says. A
/// preset's value counts as left out.
void settle_images(RunConfig& config, std::span<const Setting> settings, Origins& origins) {
  const DataConfig& data = config.data;
  const std::filesystem::path file = RunDirectory(config.run.directory).config();
  std::set<std::string> open = {"model.classes", "model.channels", "model.image_size", "data.mean", "data.std"};
  std::erase_if(open, [&origins](const std::string& name) {
    const auto origin = origins.find(name);
    return origin != origins.end() && !origin->second.starts_with(kDefaultOfPreset);
  });
  const auto settle = [&](const std::string& name, const std::string& value, const std::string& origin) {
    if (!open.contains(name)) return;
    std::ranges::find(settings, name, &Setting::name)->set(value);
    origins[name] = origin;
  };
  std::erase_if(open, [&](const std::string& name) {
    const auto value = find_in_ini(file, name);
    if (value) settle(name, *value, "in " + file.string() + ", as the run began");
    return value.has_value();
  });
  if (open.empty()) return;
  if (data.file.empty() || !std::filesystem::exists(data.file)) {
    const std::vector<double> any(config.model.channels, 0.5);  // nothing is trained without images
    if (std::ssize(data.mean) != config.model.channels) settle("data.mean", to_text(any), "no data.file");
    if (std::ssize(data.std) != config.model.channels) settle("data.std", to_text(any), "no data.file");
    return;
  }
  const DatasetInfo info = check_dataset(data.file);
  const std::string origin = "as data.file has it";
  settle("model.classes", to_text(info.num_classes()), origin);
  settle("model.channels", to_text(info.channels), origin);
  const bool is_resized = std::ranges::any_of(kMethodTable, [&config](const MethodRow& row) {
    return row.first_weights != FirstWeights::resampled && config.phase(row.phase).crop == Crop::resized;
  });
  if (info.height > 0 && info.height == info.width && !is_resized)
    settle("model.image_size", to_text(info.height), origin);
  if (info.mean.empty() || std::ranges::count(info.std, 0.0) > 0) return;
  settle("data.mean", to_text(info.mean), origin);
  settle("data.std", to_text(info.std), origin);
}

}  // namespace

bool read_run_arguments(const std::vector<std::string>& arguments, const char* help, RunConfig& config,
                        const std::vector<Setting>& options, void (*check)(const RunConfig&),
                        std::vector<std::string>* files) {
  const std::vector<Setting> settings = list_settings(config);
  CommonOptions common =
      parse_arguments(arguments, settings, options, files != nullptr ? Words::files : Words::nothing);
  if (files != nullptr) *files = common.words;
  if (common.help) {
    print_output(common.help->empty() ? help + describe_settings(options) + describe_settings(settings)
                                      : describe_section(settings, *common.help));
    return false;
  }
  for (const std::string& warning : common.warnings) fmt::print(stderr, "incubate: warning: {}\n", warning);
  stay_with_config_file(config.run, common);
  if (config.run.directory.empty()) {
    config.run.directory = RunDirectory::default_root(common.config_file);
    common.origins["run.directory"] = "from the input file's name";
  }
  keep_sums_of_run(config.run, common.origins);
  keep_source_of_run(config.transfer, config.run, common.origins);
  settle_images(config, settings, common.origins);
  check(config);
  if (!common.print_config) return true;
  RunConfig defaults;
  print_output(print_config(settings, list_settings(defaults), common));
  return false;
}

void read_shared_arguments(const std::vector<std::string>& arguments, RunConfig& config,
                           const std::vector<Setting>& options, const Communicator& world,
                           void (*check)(const RunConfig&), std::vector<std::string>* files) {
  std::vector<Setting> all = options;
  for (const Setting& setting : list_settings(config)) all.push_back(setting);
  agree(world, [&] {
    if (world.is_leader()) read_run_arguments(arguments, "", config, options, check, files);
  });
  const std::string text = world.broadcast(print_settings(all), "sharing the configuration");
  if (!world.is_leader()) parse_ini(text, "configuration from rank 0", all);
}

}  // namespace incubate
