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

constexpr std::size_t kNumFormats = 8;

struct Uses {
  const char* option;
  std::array<Use, kNumFormats> by_format;  // idx, npy, hdf5, cifar, folder, tar, webdataset, csv
};

using enum Use;
constexpr std::array<Uses, 13> kUses = {{
    {"train-images", {needed, needed, needed, none, none, none, none, none}},
    {"train-labels", {needed, needed, optional, none, none, none, none, none}},
    {"validation-images", {needed, needed, needed, none, none, none, none, none}},
    {"validation-labels", {needed, needed, optional, none, none, none, none, none}},
    {"train-files", {none, none, none, needed, none, needed, needed, needed}},
    {"validation-files", {none, none, none, needed, none, needed, needed, needed}},
    {"folder", {none, none, none, none, needed, none, none, none}},
    {"shorter-side", {none, none, none, none, optional, optional, optional, optional}},
    {"quality", {none, none, none, none, optional, optional, optional, optional}},
    {"shard-mb", {none, none, none, none, optional, optional, optional, optional}},
    {"class-names-file", {none, optional, optional, optional, optional, optional, optional, optional}},
    {"class-names", {needed, needed, needed, needed, none, none, optional, optional}},
    {"validation-share", {optional, optional, optional, optional, optional, optional, optional, optional}},
}};

const EnumNames<PackFormat> kFormats = {{PackFormat::idx, "idx"},
                                        {PackFormat::npy, "npy"},
                                        {PackFormat::hdf5, "hdf5"},
                                        {PackFormat::cifar, "cifar"},
                                        {PackFormat::folder, "folder"},
                                        {PackFormat::tar, "tar"},
                                        {PackFormat::webdataset, "webdataset"},
                                        {PackFormat::csv, "csv"}};

Use use_of(const std::string& option, const PackConfig& config) {
  if (option == "verify") return Use::optional;
  if (option == "class-names" && !config.class_names_file.empty()) return Use::optional;  // the file has the names
  const auto* const uses = std::ranges::find(kUses, option, &Uses::option);
  const Use use = uses == kUses.end() ? Use::needed : uses->by_format[static_cast<std::size_t>(config.format)];
  return use == Use::needed && config.validation_share && option.starts_with("validation-") ? Use::none : use;
}

/// The remainder of `text` behind FILE: is the dataset, if it begins with a slash.
DatasetPlace split_place(const std::string& text, const std::string& default_dataset) {
  const std::size_t colon = text.rfind(":/");
  if (colon == std::string::npos) return {.file = text, .dataset = default_dataset};
  return {.file = text.substr(0, colon), .dataset = text.substr(colon + 1)};
}

std::string_view name_of(PackFormat format) { return kFormats[static_cast<std::size_t>(format)].second; }

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
      make_enum_setting("format", c.format, kFormats, r, "of the files to read"),
      make_path_setting("train-images", c.train_images, r,
                        "training images (IDX, gzip'ed or not; NPY; HDF5 as FILE:/DATASET)"),
      make_path_setting("train-labels", c.train_labels, r, "training labels"),
      make_path_setting("validation-images", c.validation_images, r, "images to evaluate on"),
      make_path_setting("validation-labels", c.validation_labels, r, "their labels"),
      make_paths_setting("train-files", c.train_files, r, "training images with labels (CIFAR, tar, WebDataset, CSV)"),
      make_paths_setting("validation-files", c.validation_files, r, "such files to evaluate on"),
      make_path_setting("folder", c.folder, r, "with train/CLASS/ and validation/CLASS/ (or val/)"),
      make_setting("shorter-side", c.shorter_side, r, "pixels",
                   "larger image files are reduced to this; without it all stay as they are",
                   {.least = 1, .most = 65500, .example = "256"}),
      make_setting("quality", c.quality, r, "1..100", "of JPEGs that --shorter-side reduces",
                   {.least = 1, .most = 100, .example = "90"}),
      make_setting("shard-mb", c.shard_mb, r, "MB", "size of a shard of image files; a rank holds one in memory",
                   {.least = 0.001, .most = 1e6, .example = "1500"}),
      make_path_setting("class-names-file", c.class_names_file, r,
                        "instead of class-names, or of folders' names: a text file with one name a line"),
      make_setting("class-names", c.class_names, r, "a,b,...", "one name a class, in order of the labels"),
      make_setting("subset", c.subset, r, "0..1", "share of each class's training images that is kept",
                   {.least = 0, .is_open = true, .most = 1}),
      make_setting("validation-share", c.validation_share, r, "0..1",
                   "share of each class's training images that become the images to evaluate on, instead of others",
                   {.least = 0, .is_open = true, .most = 0.9, .example = "0.1"}),
      make_setting("seed", c.seed, r, "", "of the choice of --validation-share", kNotNegative),
      make_path_setting("output", c.output, Kind::operation, "HDF5 file to write"),
      make_path_setting("verify", c.verify, Kind::operation,
                        "pack nothing, but check all images of a set of shards, named by its index")};
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
    check_input(!is_given[i] || !config.validation_share || !setting.name.starts_with("validation-") ||
                    setting.name == "validation-share",
                "--{} and --validation-share={} are both given (each makes the validation split). Give one.",
                setting.name, *config.validation_share);
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
  check_input(config.validation_share || config.seed == 0,
              "--seed={} is given without --validation-share: it chooses nothing else. Leave it out, or give "
              "--validation-share.",
              config.seed);
  check_input(config.shorter_side || config.quality == PackConfig().quality,
              "--quality={} is given without --shorter-side: other images stay as they are. Leave it out, or give "
              "--shorter-side.",
              config.quality);
}

DatasetPlace images_place(const std::string& text) { return split_place(text, "/images"); }

DatasetPlace labels_place(const std::string& text, const std::string& images) {
  return split_place(text.empty() ? images_place(images).file : text, "/labels");
}

std::vector<std::string> list_sources(const PackConfig& c) {
  std::vector<std::string> sources = c.train_files;
  sources.insert(sources.end(), c.validation_files.begin(), c.validation_files.end());
  for (const auto& [images, labels] :
       {std::pair(c.train_images, c.train_labels), std::pair(c.validation_images, c.validation_labels)}) {
    if (images.empty()) continue;
    const bool is_hdf5 = c.format == PackFormat::hdf5;
    sources.push_back(is_hdf5 ? images_place(images).file : images);
    const std::string labels_file = is_hdf5 ? labels_place(labels, images).file : labels;
    if (labels_file != sources.back()) sources.push_back(labels_file);
  }
  return sources;
}

std::string describe_validation(const PackConfig& config, std::int64_t num_taken, std::int64_t num_images) {
  return fmt::format(
      "{} of {} training images become the validation split (--validation-share={} of each class, "
      "--seed={})",
      num_taken, num_images, *config.validation_share, config.seed);
}

std::string describe_source(const PackConfig& c) {
  if (c.format == PackFormat::folder) return "--folder=" + c.folder;
  return "--train-files=" + c.train_files.front() + (c.train_files.size() > 1 ? ",..." : "");
}

}  // namespace incubate
