#include "config/pack_config.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/check.h"
#include "config/path_setting.h"

namespace incubate {
namespace {

/// A format's use of an option.
enum class Use { none, optional, needed };

struct Uses {
  const char* option;
  Use idx, cifar, folder;
};

constexpr std::array<Uses, 12> kUses = {{
    {"train-images", Use::needed, Use::none, Use::none},
    {"train-labels", Use::needed, Use::none, Use::none},
    {"validation-images", Use::needed, Use::none, Use::none},
    {"validation-labels", Use::needed, Use::none, Use::none},
    {"train-files", Use::none, Use::needed, Use::none},
    {"validation-files", Use::none, Use::needed, Use::none},
    {"folder", Use::none, Use::none, Use::needed},
    {"shorter-side", Use::none, Use::none, Use::optional},
    {"quality", Use::none, Use::none, Use::optional},
    {"shard-mb", Use::none, Use::none, Use::optional},
    {"class-names-file", Use::none, Use::optional, Use::optional},
    {"class-names", Use::needed, Use::needed, Use::none},
}};

Use use_of(const std::string& option, const PackConfig& config) {
  if (option == "verify") return Use::optional;
  if (option == "class-names" && !config.class_names_file.empty()) return Use::optional;  // the file has the names
  const auto* const uses = std::ranges::find(kUses, option, &Uses::option);
  if (uses == kUses.end()) return Use::needed;
  switch (config.format) {
    case PackFormat::idx:
      return uses->idx;
    case PackFormat::cifar:
      return uses->cifar;
    case PackFormat::folder:
      break;
  }
  return uses->folder;
}

std::string name_of(PackFormat format) {
  return format == PackFormat::idx ? "idx" : format == PackFormat::cifar ? "cifar" : "folder";
}

/// Returns for each setting of list_settings() whether its value differs from the default.
std::vector<bool> find_given(PackConfig config) {
  PackConfig defaults;
  const std::vector<Setting> by_default = list_settings(defaults);
  std::vector<bool> is_given;
  for (const Setting& setting : list_settings(config)) {
    is_given.push_back(setting.get() != by_default[is_given.size()].get());
  }
  return is_given;
}

/// Throws InputError if anything but the index is given.
void validate_verify(PackConfig config) {
  const std::vector<bool> is_given = find_given(config);
  const std::vector<Setting> settings = list_settings(config);
  for (std::size_t i = 0; i < settings.size(); ++i) {
    const std::string& name = settings[i].name;
    check_input(!is_given[i] || name == "verify" || name == "format",
                "--{} is given beside --verify, which packs nothing. Leave one of them out.", name);
  }
}

}  // namespace

std::vector<Setting> list_settings(PackConfig& c) {
  const Kind r = Kind::result;
  return {
      make_enum_setting<PackFormat>(
          "format", c.format, {{PackFormat::idx, "idx"}, {PackFormat::cifar, "cifar"}, {PackFormat::folder, "folder"}},
          r, "of the files to read"),
      make_path_setting("train-images", c.train_images, r, "training images (IDX, gzip'ed or not)"),
      make_path_setting("train-labels", c.train_labels, r, "training labels"),
      make_path_setting("validation-images", c.validation_images, r, "images to evaluate on"),
      make_path_setting("validation-labels", c.validation_labels, r, "their labels"),
      make_paths_setting("train-files", c.train_files, r, "training images and labels (CIFAR's binary files)"),
      make_paths_setting("validation-files", c.validation_files, r, "images and labels to evaluate on (CIFAR)"),
      make_path_setting("folder", c.folder, r, "with train/CLASS/ and validation/CLASS/ (or val/)"),
      make_setting("shorter-side", c.shorter_side, r, "pixels",
                   "larger images are reduced to this (folder); without it all stay as they are",
                   {.least = 1, .most = 65500, .example = "256"}),
      make_setting("quality", c.quality, r, "1..100", "of JPEGs that --shorter-side reduces (folder)",
                   {.least = 1, .most = 100, .example = "90"}),
      make_setting("shard-mb", c.shard_mb, r, "MB", "size of a shard, of which a rank holds one in memory (folder)",
                   {.least = 0.001, .most = 1e6, .example = "1500"}),
      make_path_setting("class-names-file", c.class_names_file, r,
                        "instead of class-names (CIFAR) or folders' names: a text file with one name a line"),
      make_setting("class-names", c.class_names, r, "a,b,...", "one name a class, in order of the labels"),
      make_setting("subset", c.subset, r, "0..1", "share of each class's training images that is kept",
                   {.least = 0, .is_open = true, .most = 1}),
      make_path_setting("output", c.output, Kind::operation, "HDF5 file to write"),
      make_path_setting("verify", c.verify, Kind::operation,
                        "pack nothing, but check all images of a set made of a folder, named by its index")};
}

void validate(const PackConfig& config) {
  if (!config.verify.empty()) return validate_verify(config);
  check_input(config.folder.empty() || config.format == PackFormat::folder,
              "--folder={} is given but --format={} has no use for it. Give --format=folder, or leave it out.",
              config.folder, name_of(config.format));
  PackConfig copy = config;
  const std::vector<Setting> settings = list_settings(copy);
  const std::vector<bool> is_given = find_given(config);
  for (std::size_t i = 0; i < settings.size(); ++i) {
    const Setting& setting = settings[i];
    const Use use = use_of(setting.name, config);
    check_input(use != Use::none || !is_given[i], "--{} is given but --format={} has no use for it. Leave it out.",
                setting.name, name_of(config.format));
    check_input(use != Use::needed || !setting.get().empty(), "--{} is missing: pack needs it. Give --{}={} ({}).",
                setting.name, setting.name, setting.unit, setting.meaning);
  }
  check_input(config.class_names_file.empty() || config.class_names.empty(),
              "--class-names and --class-names-file are both given (they say the same). Give one.");
  if (config.class_names.size() == 1) {
    std::error_code ignored;
    const std::string& name = config.class_names.front();
    check_input(!std::filesystem::is_regular_file(name, ignored),
                "--class-names={} is a file, not the names of classes. Give it as --class-names-file.", name);
  }
  check_input(config.shorter_side || config.quality == PackConfig().quality,
              "--quality={} is given without --shorter-side: other images stay as they are. Leave it out, or give "
              "--shorter-side.",
              config.quality);
}

std::vector<std::string> list_sources(const PackConfig& c) {
  if (c.format == PackFormat::folder) return {};
  if (c.format == PackFormat::idx) return {c.train_images, c.train_labels, c.validation_images, c.validation_labels};
  std::vector<std::string> sources = c.train_files;
  sources.insert(sources.end(), c.validation_files.begin(), c.validation_files.end());
  return sources;
}

}  // namespace incubate
