#include "commands/run_arguments.h"

#include "checkpoint/run_directory.h"
#include "commands/print_output.h"
#include "config/parse.h"
#include "config/validate.h"

namespace incubate {
namespace {

/// A run goes on with the sums that it began with, on whatever device and from whatever command: they are part of its
/// identity.
void keep_sums_of_run(RunSection& run) {
  if (run.sums != SumsChoice::automatic) return;
  const auto sums = find_in_ini(RunDirectory(run.directory).config(), "run.sums");
  if (sums == to_string(Sums::exact)) run.sums = SumsChoice::exact;
  if (sums == to_string(Sums::fast)) run.sums = SumsChoice::fast;
}

}  // namespace

void print_warnings(const CommonOptions& options) {
  for (const std::string& warning : options.warnings) fmt::print(stderr, "incubate: warning: {}\n", warning);
}

bool read_run_arguments(const std::vector<std::string>& arguments, const char* help, RunConfig& config,
                        const std::vector<Setting>& options) {
  const std::vector<Setting> settings = list_settings(config);
  const std::string help_text = help + describe_settings(options) + describe_settings(settings);
  const CommonOptions common = parse_arguments(arguments, settings, options);
  if (common.help) {
    print_output(help_text);
    return false;
  }
  print_warnings(common);
  if (config.run.directory.empty()) config.run.directory = RunDirectory::default_root(common.config_file);
  keep_sums_of_run(config.run);
  validate(config);
  if (common.print_config) print_output(print_settings(settings));
  return !common.print_config;
}

}  // namespace incubate
