#include "config/pack_config.h"

#include <algorithm>

#include "base/check.h"

namespace incubate {
namespace {

using Names = std::vector<std::string>;

/// What only one format takes; class-names may come from a file in CIFAR.
const Names kIdxOnly = {"train-images", "train-labels", "validation-images", "validation-labels"};
const Names kCifarOnly = {"train-files", "validation-files", "class-names-file"};

bool contains(const Names& names, const std::string& name) { return std::ranges::find(names, name) != names.end(); }

}  // namespace

std::vector<Setting> list_settings(PackConfig& c) {
  const Kind r = Kind::result;
  return {
      make_enum_setting<PackFormat>("format", c.format, {{PackFormat::idx, "idx"}, {PackFormat::cifar, "cifar"}}, r,
                                    "of the files to read"),
      make_setting("train-images", c.train_images, r, "path", "training images (IDX, gzip'ed or not)"),
      make_setting("train-labels", c.train_labels, r, "path", "training labels"),
      make_setting("validation-images", c.validation_images, r, "path", "images to evaluate on"),
      make_setting("validation-labels", c.validation_labels, r, "path", "their labels"),
      make_setting("train-files", c.train_files, r, "a,b,...", "training images and labels (CIFAR's binary files)"),
      make_setting("validation-files", c.validation_files, r, "a,b,...", "images and labels to evaluate on (CIFAR)"),
      make_setting("class-names-file", c.class_names_file, r, "path",
                   "instead of class-names (CIFAR): a text file with one name a line"),
      make_setting("class-names", c.class_names, r, "a,b,...", "one name a class, in order of the labels"),
      make_setting("subset", c.subset, r, "0..1", "share of each class's training images that is kept"),
      make_setting("output", c.output, Kind::operation, "path", "HDF5 file to write")};
}

void validate(const PackConfig& config) {
  PackConfig copy = config;
  const bool is_idx = config.format == PackFormat::idx;
  const std::string format = is_idx ? "idx" : "cifar";
  for (const Setting& setting : list_settings(copy)) {
    const bool is_given = !setting.get().empty();
    const bool is_others = contains(is_idx ? kCifarOnly : kIdxOnly, setting.name);
    check_input(!is_others || !is_given, "--{} is given but --format={} has no use for it. Leave it out.", setting.name,
                format);
    const bool names_come_from_file = !is_idx && (setting.name == "class-names-file" ||
                                                  (setting.name == "class-names" && !copy.class_names_file.empty()));
    check_input(is_given || is_others || names_come_from_file, "--{} is missing: pack needs it. Give --{}={} ({}).",
                setting.name, setting.name, setting.unit, setting.meaning);
  }
  check_input(config.class_names_file.empty() || config.class_names.empty(),
              "--class-names and --class-names-file are both given (they say the same). Give one.");
  check_input(config.subset > 0 && config.subset <= 1, "--subset={} is out of range. Give more than 0, up to 1.",
              config.subset);
}

std::vector<std::string> list_sources(const PackConfig& c) {
  if (c.format == PackFormat::idx) return {c.train_images, c.train_labels, c.validation_images, c.validation_labels};
  std::vector<std::string> sources = c.train_files;
  sources.insert(sources.end(), c.validation_files.begin(), c.validation_files.end());
  return sources;
}

}  // namespace incubate
