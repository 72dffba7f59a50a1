#include "data/pack.h"

#include <fmt/core.h>

#include "base/stopwatch.h"
#include "commands/commands.h"
#include "config/parse.h"

namespace incubate {
namespace {

constexpr const char* kHelp =
    "incubate pack --format idx --train-images F --train-labels F \\\n"
    "  --validation-images F --validation-labels F --class-names a,b,... --output F\n"
    "incubate pack --format cifar --train-files F,F,... --validation-files F \\\n"
    "  --class-names-file F --output F\n\n"
    "Packs labelled images into one HDF5 file for 'incubate train': IDX (MNIST and\n"
    "its kin) or the binary files of CIFAR-10 and CIFAR-100 (fine labels).\n"
    "If the output already holds just these, nothing is written.\n\n";

}  // namespace

void pack_command(const std::vector<std::string>& arguments, Communicator& world, Log& log) {
  agree(world, [&] {
    if (!world.is_leader()) return;
    PackConfig config;
    const std::vector<Setting> settings = list_settings(config);
    const std::string help = kHelp + describe_settings(settings);
    const CommonOptions options = parse_arguments(arguments, settings);
    if (options.help) {
      fmt::print("{}", help);
      return;
    }
    if (options.print_config) {
      for (const Setting& setting : settings) fmt::print("{} = {}\n", setting.name, setting.get());
      return;
    }
    validate(config);
    const Stopwatch watch;
    bool was_complete = false;
    const DatasetInfo info = pack(config, was_complete);
    log.info(fmt::format("{} {}: {} training and {} validation images of {}x{}x{}, {} classes ({:.1f} s)",
                         config.output, was_complete ? "is complete" : "written", info.num_train, info.num_validation,
                         info.height, info.width, info.channels, info.num_classes(), watch.elapsed_s()));
  });
}

}  // namespace incubate
