#include "base/stop_request.h"
#include "commands/commands.h"
#include "commands/run_arguments.h"
#include "config/parse.h"
#include "method/run_method.h"
#include "parallel/launcher.h"

namespace incubate {
namespace {

constexpr const char* kHelp =
    "incubate train --config input/NAME.ini [--section.key=value ...]\n\n"
    "Trains a network by Deep Incubation, and what that is compared with: starts, or\n"
    "goes on where an earlier job ended. Run it with mpirun or srun; one rank a GPU.\n"
    "The command line beats the file, the file beats the default. Paths may begin with\n"
    "~ and have $NAME or ${NAME} in them, also in the file.\n"
    "On SIGTERM, SIGUSR1 or SIGUSR2, and run.grace_seconds before the end of a Slurm\n"
    "job's time, it saves everything and ends with status 75.\n\n"
    "  --print-config  print the effective configuration and do nothing\n"
    "  --help          this text\n";

}  // namespace

int train_command(const std::vector<std::string>& arguments, Communicator& world, Log& log) {
  catch_stop_signals();
  check_launch(world);
  RunConfig config;
  const std::vector<Setting> settings = list_settings(config);
  bool is_to_run = false;
  // Rank 0 alone reads arguments and file; the others get the effective configuration.
  agree(world, [&] {
    if (world.is_leader()) is_to_run = read_run_arguments(arguments, kHelp, config, {});
  });
  const std::string text =
      world.broadcast(is_to_run ? print_settings(settings) : std::string(), "sharing the configuration");
  if (text.empty()) return kDone;
  if (!world.is_leader()) parse_ini(text, "configuration from rank 0", settings);
  world.set_timeout(config.run.timeout_s);
  return run_method(config, world, log) == Ending::done ? kDone : kStopped;
}

}  // namespace incubate
