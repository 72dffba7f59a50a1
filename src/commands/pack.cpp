#include "pack/pack.h"

#include <filesystem>

#include <fmt/format.h>

#include "base/clock.h"
#include "commands/commands.h"
#include "commands/print_output.h"
#include "config/parse.h"
#include "pack/pack_image_set.h"
#include "parallel/launch_check.h"

namespace incubate {
namespace {

constexpr const char* kPackHelp =
    "incubate pack --format idx --train-images F --train-labels F \\\n"
    "  --validation-images F --validation-labels F --class-names a,b,... --output F\n"
    "incubate pack --format cifar --train-files F,F,... --validation-files F \\\n"
    "  --class-names-file F --output F\n"
    "incubate pack --format npy --train-images F.npy --train-labels F.npy \\\n"
    "  --validation-images F.npy --validation-labels F.npy \\\n"
    "  --class-names a,b,... --output F\n"
    "incubate pack --format hdf5 --train-images F.h5:/images \\\n"
    "  --train-labels F.h5:/labels --validation-images F.h5 \\\n"
    "  --class-names a,b,... --output F\n"
    "mpirun -n N incubate pack --format folder --folder DIR --output F.h5 \\\n"
    "  [--shorter-side 512 --quality 90] [--shard-mb 1500]\n"
    "mpirun -n N incubate pack --format tar --train-files ILSVRC2012_img_train.tar \\\n"
    "  --validation-files val.tar --output F.h5\n"
    "mpirun -n N incubate pack --format webdataset --output F.h5 \\\n"
    "  --train-files 'train-{000..146}.tar' --validation-files 'val-*.tar'\n"
    "mpirun -n N incubate pack --format csv --train-files F.csv \\\n"
    "  --validation-files F.csv --output F.h5\n"
    "mpirun -n N incubate pack --verify F.h5\n\n"
    "Packs labelled images for 'incubate train'. Small images go into one HDF5 file:\n"
    "IDX (MNIST and its kin), the binary files of CIFAR-10 and CIFAR-100 (fine\n"
    "labels), or arrays of NumPy or HDF5: images x height x width, or that x 1, 3\n"
    "or 4 channels, of 8 or 16 bits, with integers as labels. Datasets that are not\n"
    "named are /images and /labels of one file. If the output already holds just\n"
    "these, nothing is written. A name with a comma stands in quotes:\n"
    "--class-names='\"tench, Tinca tinca\",goldfish'.\n\n"
    "Where no images to evaluate on exist, --validation-share 0.1 takes a tenth of\n"
    "each class's training images. A folder may then have its CLASS/IMAGE directly.\n\n"
    "Large ones, JPEG and PNG files, stay byte for byte as they are. (With\n"
    "--shorter-side larger ones are reduced, a PNG without loss.) These formats have\n"
    "them; archives are read in place, and must not be compressed:\n"
    "  folder      train/CLASS/IMAGE and validation/CLASS/IMAGE\n"
    "  tar         archives with CLASS/IMAGE, with the images of the class CLASS.tar,\n"
    "              or with such archives, as ImageNet has them\n"
    "  webdataset  archives with KEY.jpg (.jpeg, .png) and KEY.cls, a class's number\n"
    "  csv         rows of path,label (with that header or none); paths begin at the\n"
    "              table, labels are names of classes, or numbers from 0 on\n"
    "Quotes keep {000..146} and * from the shell. The images go into shards\n"
    "F-train-00000.h5, ... beside the index F.h5. The same command after an\n"
    "interruption keeps the shards that are done, and makes damaged ones anew. The\n"
    "files are the same on any number of ranks. F-problems.txt names what was left\n"
    "out, such as TIFF and WebP files, and why: convert these to PNG. PNGs of 16\n"
    "bits are left out, too: as arrays they keep them.\n\n";

/// Packs unencoded images. Only rank 0 calls it.
void pack_small_images(const PackConfig& config, Log& log) {
  const Stopwatch watch;
  bool was_complete = false;
  const DatasetInfo info = pack(config, was_complete, log);
  if (!info.mean.empty()) log.info("pixels to train on: " + to_text(PixelStatistics{info.mean, info.std}));
  log.info(fmt::format("{} {}: {} training and {} validation images of {}x{}x{}, {} classes ({:.1f} s)", config.output,
                       was_complete ? "is complete" : "written", info.num_train, info.num_validation, info.height,
                       info.width, info.channels, info.num_classes(), watch.elapsed_s()));
}

}  // namespace

void describe_pack(const std::vector<std::string>& arguments) {
  PackConfig config;
  PackConfig defaults;
  const std::vector<Setting> settings = list_settings(config);
  const CommonOptions common = parse_arguments(arguments, settings);
  print_output(common.help ? kPackHelp + describe_settings(settings)
                           : print_config(settings, list_settings(defaults), common));
}

void pack_command(const std::vector<std::string>& arguments, Communicator& world, Log& log) {
  PackConfig config;
  agree(world, [&] {
    parse_arguments(arguments, list_settings(config));
    validate(config);
    // The parts of a set lie beside its index, not beside a link to it.
    std::error_code ignored;
    if (std::filesystem::is_symlink(config.output, ignored))
      config.output = std::filesystem::weakly_canonical(config.output).string();
  });
  check_launch(world);
  if (!config.verify.empty()) return verify_image_set(config.verify, world, log);
  if (is_encoded(config.format)) return pack_image_set(config, world, log);
  agree(world, [&] {
    if (world.is_leader()) pack_small_images(config, log);
  });
}

}  // namespace incubate
