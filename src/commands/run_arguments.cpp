#include "commands/run_arguments.h"

#include "checkpoint/run_directory.h"
#include "commands/print_output.h"
#include "config/parse.h"
#include "config/validate.h"

namespace incubate {

bool read_run_arguments(const std::vector<std::string>& arguments, const char* help, RunConfig& config,
                        const std::vector<Setting>& options) {
  const std::vector<Setting> settings = list_settings(config);
  const std::string help_text = help + describe_settings(options) + describe_settings(settings);
  const CommonOptions common = parse_arguments(arguments, settings, options);
  if (common.help) {
    print_output(help_text);
    return false;
  }
  if (config.run.directory.empty()) config.run.directory = RunDirectory::default_root(common.config_file);
  validate(config);
  if (common.print_config) print_output(print_settings(settings));
  return !common.print_config;
}

}  // namespace incubate
