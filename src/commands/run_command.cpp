#include <fmt/core.h>

#include "base/check.h"
#include "base/version.h"
#include "commands/commands.h"

namespace incubate {
namespace {

constexpr const char* kHelp =
    "incubate COMMAND [--config input/NAME.ini] [--section.key=value ...]\n\n"
    "Trains large deep networks on supercomputers by Deep Incubation.\n\n"
    "  train   the whole method in one job, or one training of it\n"
    "  plan    what it would cost, and how N ranks would share the work\n"
    "  pack    images from other formats to one HDF5 file\n"
    "  export  a training's weights for other programs\n"
    "  import  weights of other programs as a training's\n"
    "  inspect verifies files of this program and says what they hold\n\n"
    "'incubate COMMAND --help' tells more. Exit status: 0 done, 2 bad usage or input,\n"
    "75 stopped on request with everything saved, anything else failed.\n";

}  // namespace

int run_command(const std::vector<std::string>& arguments, Communicator& world, Log& log) {
  const std::string command = arguments.empty() ? "--help" : arguments.front();
  const std::vector<std::string> rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
  if (command == "train") return train_command(rest, world, log);
  if (command == "plan") {
    plan_command(rest, world, log);
  } else if (command == "pack") {
    pack_command(rest, world, log);
  } else if (command == "export") {
    export_command(rest, world, log);
  } else if (command == "import") {
    import_command(rest, world, log);
  } else if (command == "inspect") {
    inspect_command(rest, world, log);
  } else if (command == "--help" || command == "--version") {
    if (world.is_leader())
      fmt::print("{}", command == "--help" ? kHelp : fmt::format("incubate {} ({})\n", kVersion, kGitSha1));
  } else {
    throw AgreedInputError(fmt::format(
        "unknown command '{}'. Give train, plan, pack, export, import or inspect; --help tells more.", command));
  }
  return kDone;
}

}  // namespace incubate
