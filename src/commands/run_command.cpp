#include <algorithm>

#include <fmt/core.h>

#include "base/check.h"
#include "base/version.h"
#include "commands/commands.h"
#include "commands/print_output.h"

namespace incubate {
namespace {

constexpr const char* kProgramHelp =
    "incubate COMMAND [--config] input/NAME.ini [--section.key=value ...]\n\n"
    "Trains large deep networks on supercomputers by Deep Incubation.\n\n"
    "  train     the whole method in one job, or one training of it\n"
    "  plan      what it would cost, and how N ranks would share the work\n"
    "  status    how far a run is, for scripts\n"
    "  pack      images from other formats to one HDF5 file\n"
    "  evaluate  a trained network's figures on a set of images\n"
    "  predict   the classes of images\n"
    "  export    a training's weights for other programs\n"
    "  import    weights of other programs as a training's\n"
    "  inspect   verifies files of this program and says what they hold\n\n"
    "'incubate COMMAND --help' tells more. Exit status: 0 done, 2 bad usage or input,\n"
    "75 stopped on request with everything saved, anything else failed.\n";

bool is_help(const std::string& word) { return word == "--help" || word == "-h" || word == "help"; }

}  // namespace

Call read_call(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return {.command = "--help", .arguments = {}};
  Call call = {.command = arguments.front(), .arguments = {arguments.begin() + 1, arguments.end()}};
  const bool is_of_command = !call.arguments.empty() && (is_help(call.command) || is_help(call.arguments.front()));
  if (is_help(call.command)) call.command = is_of_command ? call.arguments.front() : "--help";
  if (is_of_command) {
    const bool has_section = call.arguments.size() > 1 && !call.arguments[1].starts_with('-');
    call.arguments = {has_section ? "--help=" + call.arguments[1] : "--help"};
  }
  std::ranges::replace(call.arguments, "-h", "--help");
  return call;
}

bool Call::needs_mpi() const {
  const bool is_of_all_ranks =
      command == "train" || command == "pack" || command == "import" || command == "evaluate" || command == "predict";
  return is_of_all_ranks && std::ranges::none_of(arguments, [](const std::string& argument) {
           return argument.starts_with("--help") || argument.starts_with("--print-config");
         });
}

void run_alone(const Call& call) {
  const auto& [command, arguments] = call;
  if (command == "plan") return plan_command(arguments);
  if (command == "status") return status_command(arguments);
  if (command == "export") return export_command(arguments);
  if (command == "inspect") return inspect_command(arguments);
  if (command == "train") return describe_train(arguments);
  if (command == "pack") return describe_pack(arguments);
  if (command == "import") return describe_import(arguments);
  if (command == "evaluate") return describe_evaluate(arguments);
  if (command == "predict") return describe_predict(arguments);
  if (command == "--help") return print_output(kProgramHelp);
  if (command == "--version") return print_output(fmt::format("incubate {} ({}){}\n", kVersion, kGitSha1, kGitChanges));
  throw InputError(
      fmt::format("unknown command '{}'. Give train, plan, status, pack, evaluate, predict, export, import or inspect; "
                  "--help tells more.",
                  command));
}

int run_together(const Call& call, Communicator& world, Log& log) {
  if (call.command == "train") return train_command(call.arguments, world, log);
  if (call.command == "pack") pack_command(call.arguments, world, log);
  if (call.command == "import") import_command(call.arguments, world, log);
  if (call.command == "evaluate") evaluate_command(call.arguments, world, log);
  if (call.command == "predict") predict_command(call.arguments, world);
  return kDone;
}

}  // namespace incubate
