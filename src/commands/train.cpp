#include <fmt/core.h>

#include "checkpoint/run_directory.h"
#include "commands/commands.h"
#include "config/parse.h"
#include "config/validate.h"
#include "method/run_method.h"

namespace incubate {
namespace {

constexpr const char* kHelp =
    "incubate train --config input/NAME.ini [--section.key=value ...]\n\n"
    "Trains a network by Deep Incubation, and what that is compared with: starts, or\n"
    "goes on where an earlier job ended. Run it with mpirun or srun; one rank a GPU.\n"
    "The command line beats the file, the file beats the default.\n\n"
    "  --print-config  print the effective configuration and do nothing\n"
    "  --help          this text\n";

}  // namespace

void train_command(const std::vector<std::string>& arguments, Communicator& world, Log& log) {
  RunConfig config;
  const std::vector<Setting> settings = list_settings(config);
  bool is_printed = false;
  // Rank 0 alone reads arguments and file; the others get the effective configuration.
  agree(world, [&] {
    if (!world.is_leader()) return;
    const std::string help = kHelp + describe_settings(settings);
    const CommonOptions options = parse_arguments(arguments, settings);
    is_printed = options.help || options.print_config;
    if (options.help) {
      fmt::print("{}", help);
      return;
    }
    if (config.run.directory.empty()) config.run.directory = RunDirectory::default_root(options.config_file);
    validate(config);
    if (options.print_config) fmt::print("{}", print_settings(settings));
  });
  const std::string text =
      world.broadcast(is_printed ? std::string() : print_settings(settings), "sharing the configuration");
  if (text.empty()) return;
  if (!world.is_leader()) parse_ini(text, "configuration from rank 0", settings);
  world.set_timeout(config.run.timeout_s);
  run_method(config, world, log);
}

}  // namespace incubate
