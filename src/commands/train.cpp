#include "base/stop_request.h"
#include "commands/commands.h"
#include "commands/run_arguments.h"
#include "parallel/launch_check.h"
#include "run/arithmetic.h"
#include "run/run_method.h"

namespace incubate {
namespace {

constexpr const char* kTrainHelp =
    "incubate train [--config] input/NAME.ini [--section.key=value ...]\n\n"
    "Trains a network by Deep Incubation, and what that is compared with: starts, or\n"
    "goes on where an earlier job ended. Run it with mpirun or srun; one rank a GPU.\n"
    "The command line beats the file, the file beats the default. Paths may begin\n"
    "with ~ and have $NAME or ${NAME} in them, also in the file.\n"
    "On Ctrl-C, a lost terminal, SIGTERM, SIGUSR1 or SIGUSR2, and run.grace_seconds\n"
    "before the end of a Slurm job's time, it saves everything and ends with status\n"
    "75; a second Ctrl-C ends it at once. mpirun kills its ranks a second after\n"
    "Ctrl-C: jobscripts/mpirun.sh in its place lets them save.\n\n"
    "  --print-config  print the effective configuration and do nothing\n"
    "                  (--print-config=changed: what is not a default, and why)\n"
    "  --help [NAME]   this text, or the settings of a section\n";

}  // namespace

void describe_train(const std::vector<std::string>& arguments) {
  RunConfig config;
  read_run_arguments(arguments, kTrainHelp, config, {});
}

int train_command(const std::vector<std::string>& arguments, Communicator& world, Log& log) {
  catch_stop_signals();
  check_launch(world);
  RunConfig config;
  read_shared_arguments(arguments, config, {}, world);
  cap_instructions(config.run.instructions);
  world.set_timeout(config.run.timeout_s);
  return run_method(config, world, log) == Ending::done ? kDone : kStopped;
}

}  // namespace incubate
