#include "pack/pack.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "base/check.h"
#include "base/input_file.h"
#include "base/output_name.h"
#include "config/identity.h"
#include "hdf5/atomic_file.h"
#include "hdf5/verified_file.h"
#include "pack/cifar.h"
#include "pack/idx.h"
#include "pack/labelled_arrays.h"
#include "vision/array_dataset.h"
#include "vision/image_set.h"
#include "vision/pixel_statistics.h"

namespace incubate {
namespace {

LabelledImages read_idx_split(const std::string& images_path, const std::string& labels_path,
                              std::int64_t num_classes) {
  IdxArray images = read_idx(images_path, 3);
  const IdxArray labels = read_idx(labels_path, 1);
  check_input(labels.shape[0] == images.shape[0],
              "{} has {} labels but {} has {} images. Give the files that belong together.", labels_path,
              labels.shape[0], images_path, images.shape[0]);
  LabelledImages split{.height = images.shape[1],
                       .width = images.shape[2],
                       .channels = 1,
                       .bytes = std::move(images.bytes),
                       .labels = {labels.bytes.begin(), labels.bytes.end()}};
  check_labels(split.labels, num_classes, labels_path);
  return split;
}

LabelledImages read_hdf5_split(const std::string& images_text, const std::string& labels_text,
                               std::int64_t num_classes) {
  const DatasetPlace images = images_place(images_text), labels = labels_place(labels_text, images_text);
  return label_images(read_hdf5_array(images.file, images.dataset), read_hdf5_array(labels.file, labels.dataset),
                      num_classes);
}

LabelledImages read_raw_split(const PackConfig& config, Split split, std::int64_t num_classes) {
  const bool is_train = split == Split::train;
  const std::string& images = is_train ? config.train_images : config.validation_images;
  const std::string& labels = is_train ? config.train_labels : config.validation_labels;
  switch (config.format) {
    case PackFormat::npy:
      return label_images(read_npy(images), read_npy(labels), num_classes);
    case PackFormat::hdf5:
      return read_hdf5_split(images, labels, num_classes);
    case PackFormat::cifar:
      return read_cifar(is_train ? config.train_files : config.validation_files, num_classes);
    default:
      return read_idx_split(images, labels, num_classes);
  }
}

void write_split(Hdf5File& file, const std::string& group, const LabelledImages& split) {
  const std::vector<hsize_t> extents = {split.labels.size(), static_cast<hsize_t>(split.height),
                                        static_cast<hsize_t>(split.width), static_cast<hsize_t>(split.channels)};
  if (split.value_bytes == 1) {
    file.write<std::uint8_t>(group + "/images", split.bytes, extents);
  } else {
    file.write<std::uint16_t>(group + "/images", as_16_bits(split.bytes), extents);
  }
  file.write(group + "/labels", split.labels);
}

std::string describe_sources(const PackConfig& config) {
  std::string text;
  for (const std::string& path : list_sources(config)) {
    text += (text.empty() ? "" : ", ") + std::filesystem::path(path).filename().string();
  }
  if (config.validation_share) {
    text += fmt::format("; {} of the training images for validation (seed {})", *config.validation_share, config.seed);
  }
  return config.subset < 1 ? fmt::format("{}; {} of the training images", text, config.subset) : text;
}

/// Returns the datasets to read of HDF5 files.
std::vector<std::string> list_datasets(const PackConfig& config) {
  std::vector<std::string> names;
  for (const auto& [images, labels] :
       {std::pair(config.train_images, config.train_labels), {config.validation_images, config.validation_labels}}) {
    names.push_back(images_place(images).dataset);
    names.push_back(labels_place(labels, images).dataset);
  }
  return names;
}

/// Returns checksums of the source files and the shares, which tell whether an existing output still matches.
std::string describe_content(const PackConfig& config) {
  std::string state;
  for (const std::string& path : list_sources(config)) {
    state += hash_text(read_input_file(path)) + "\n";
  }
  if (config.format == PackFormat::hdf5) state += fmt::format("datasets {}\n", fmt::join(list_datasets(config), " "));
  if (config.validation_share) state += fmt::format("validation {} {}\n", *config.validation_share, config.seed);
  return config.subset < 1 ? state + fmt::format("subset {}\n", config.subset) : state;
}

/// Warns of class names that no image of the split has: one name too many shifts no label, but is rarely meant.
void warn_of_empty_classes(const std::vector<std::string>& names, Split split, const LabelledImages& images, Log& log) {
  std::vector<std::string> empty;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (std::ranges::count(images.labels, static_cast<std::int64_t>(i)) == 0) empty.push_back(names[i]);
  }
  if (!empty.empty()) log.warn(fmt::format("no {} image is of class {}", to_string(split), fmt::join(empty, ", ")));
}

/// Returns whether an existing output was packed from these files; then sets `info` to its description.
bool is_complete(const PackConfig& config, const std::string& checksums, DatasetInfo& info) {
  if (!std::filesystem::exists(config.output)) return false;
  try {
    info = check_dataset(config.output);
    return info.class_names == config.class_names &&
           Hdf5File::open(config.output).read_string_attribute("source_checksums") == checksums;
  } catch (const std::exception&) {
    return false;  // damaged or of an older format: pack again
  }
}

}  // namespace

void check_output(const PackConfig& config) {
  const std::string& output = config.output;
  check_output_name(output, list_sources(config));
  check_replaceable(output, {kDatasetFiletype, kImageSetFiletype});
  const std::filesystem::path parent = std::filesystem::absolute(output).parent_path();
  std::error_code error;
  std::filesystem::create_directories(parent, error);
  check_input(!error, "--output={} cannot be written: {}: {}. Choose another place.", output, parent.string(),
              error.message());
}

DatasetInfo pack(const PackConfig& given, bool& was_complete, Log& log) {
  PackConfig config = given;
  if (!config.class_names_file.empty()) config.class_names = read_class_names(config.class_names_file);
  check_input(config.class_names.size() > 1, "'{}' is the only class (training needs two classes). Name all classes.",
              config.class_names.front());
  const std::string checksums = describe_content(config);
  DatasetInfo info;
  was_complete = is_complete(config, checksums, info);
  if (was_complete) {
    remove_stale_drafts(std::filesystem::absolute(config.output).parent_path());  // of another pack that was killed
    return info;
  }

  const auto num_classes = static_cast<std::int64_t>(config.class_names.size());
  LabelledImages train = read_raw_split(config, Split::train, num_classes);
  if (config.format == PackFormat::npy || config.format == PackFormat::hdf5) {
    check_no_gap(train.labels, config.class_names,
                 config.train_labels.empty() ? config.train_images : config.train_labels);
  }
  LabelledImages validation;
  if (config.validation_share) {
    const SplitIndices split =
        choose_validation(train.labels, *config.validation_share, config.seed, config.class_names);
    log.info(describe_validation(config, std::ssize(split.validation), std::ssize(train.labels)));
    validation = take_images(train, split.validation);
    train = take_images(train, split.kept);
  } else {
    validation = read_raw_split(config, Split::validation, num_classes);
  }
  check_input(train.height == validation.height && train.width == validation.width,
              "training images are {}x{} but validation images {}x{}. Give files that belong together.", train.height,
              train.width, validation.height, validation.width);
  check_input(train.channels == validation.channels && train.value_bytes == validation.value_bytes,
              "training images have {} channels of {} bits but validation images {} of {}. Give files that belong "
              "together.",
              train.channels, 8 * train.value_bytes, validation.channels, 8 * validation.value_bytes);
  if (config.subset < 1) train = take_subset(train, config.subset);
  check_output(config);
  warn_of_empty_classes(config.class_names, Split::train, train, log);
  warn_of_empty_classes(config.class_names, Split::validation, validation, log);
  PixelSums sums;
  sums.add(train.bytes, train.channels, train.value_bytes);
  write_verified_file(config.output, [&](Hdf5File& file) {
    file.write_attribute("filetype", kDatasetFiletype);
    file.write_attribute("version", train.value_bytes == 1 ? 1 : kDatasetVersion);
    file.write_attribute("source", describe_sources(config));
    file.write_attribute("source_checksums", checksums);
    file.write_strings("/class_names", config.class_names);
    write_statistics(file, to_statistics(sums, train.value_bytes));
    write_split(file, "/train", train);
    write_split(file, "/validation", validation);
  });
  return check_dataset(config.output);
}

}  // namespace incubate
