#include "data/pack.h"

#include "base/check.h"
#include "config/identity.h"
#include "data/idx.h"
#include "hdf5/verified_file.h"

namespace incubate {
namespace {

struct LabelledImages {
  IdxArray images;
  std::vector<std::int64_t> labels;
};

LabelledImages read_split(const std::string& images_path, const std::string& labels_path, std::int64_t num_classes) {
  LabelledImages split;
  split.images = read_idx(images_path, 3);
  const IdxArray labels = read_idx(labels_path, 1);
  check_input(labels.shape[0] == split.images.shape[0],
              "{} has {} labels but {} has {} images. Give the files that belong together.", labels_path,
              labels.shape[0], images_path, split.images.shape[0]);
  split.labels.assign(labels.bytes.begin(), labels.bytes.end());
  check_labels(split.labels, num_classes, labels_path);
  return split;
}

void write_split(Hdf5File& file, const std::string& group, const LabelledImages& split) {
  const std::vector<std::int64_t>& shape = split.images.shape;
  const std::vector<hsize_t> extents = {static_cast<hsize_t>(shape[0]), static_cast<hsize_t>(shape[1]),
                                        static_cast<hsize_t>(shape[2]), 1};
  file.write<std::uint8_t>(group + "/images", split.images.bytes, extents);
  file.write(group + "/labels", split.labels);
}

std::string file_name(const std::string& path) { return std::filesystem::path(path).filename().string(); }

std::string describe_sources(const PackConfig& config) {
  return fmt::format("{}, {}, {}, {}", file_name(config.train_images), file_name(config.train_labels),
                     file_name(config.validation_images), file_name(config.validation_labels));
}

/// Checksums of the source files: whether an existing output is still theirs.
std::string source_file_checksums(const PackConfig& config) {
  std::string state;
  for (const std::string& path :
       {config.train_images, config.train_labels, config.validation_images, config.validation_labels}) {
    check_input(std::filesystem::is_regular_file(path), "{} cannot be read: no such file. Check the path.", path);
    state += hash_text(read_text(path)) + "\n";
  }
  return state;
}

/// What an existing output holds if it was packed from these very files.
bool is_complete(const PackConfig& config, const std::string& checksums, DatasetInfo& info) {
  if (!std::filesystem::exists(config.output)) return false;
  try {
    info = check_dataset(config.output);
    return info.class_names == config.class_names &&
           Hdf5File::open(config.output).read_string_attribute("source_checksums") == checksums;
  } catch (const std::exception&) {
    return false;  // damaged or of an older format: it is packed again
  }
}

void check_output(const std::string& output) {
  check_input(!std::filesystem::is_directory(output), "--output={} is a directory. Name a file in it, such as {}.",
              output, (std::filesystem::path(output) / "images.h5").string());
  const std::filesystem::path parent = std::filesystem::absolute(output).parent_path();
  std::error_code error;
  std::filesystem::create_directories(parent, error);
  check_input(!error, "--output={} cannot be written: {}: {}. Choose another place.", output, parent.string(),
              error.message());
}

}  // namespace

void check_labels(std::span<const std::int64_t> labels, std::int64_t num_classes, const std::string& origin) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    check_input(labels[i] >= 0 && labels[i] < num_classes,
                "{}: label {} of image {} is not below the number of classes, {}. Give a name for every class.", origin,
                labels[i], i, num_classes);
  }
}

DatasetInfo pack_idx(const PackConfig& config, bool& was_complete) {
  const std::string checksums = source_file_checksums(config);
  DatasetInfo info;
  was_complete = is_complete(config, checksums, info);
  if (was_complete) return info;

  const auto num_classes = static_cast<std::int64_t>(config.class_names.size());
  const LabelledImages train = read_split(config.train_images, config.train_labels, num_classes);
  const LabelledImages validation = read_split(config.validation_images, config.validation_labels, num_classes);
  check_input(
      train.images.shape[1] == validation.images.shape[1] && train.images.shape[2] == validation.images.shape[2],
      "training images are {}x{} but validation images {}x{}. Give files that belong together.", train.images.shape[1],
      train.images.shape[2], validation.images.shape[1], validation.images.shape[2]);
  check_output(config.output);
  write_verified_file(config.output, [&](Hdf5File& file) {
    file.write_attribute("filetype", kDatasetFiletype);
    file.write_attribute("version", kDatasetVersion);
    file.write_attribute("source", describe_sources(config));
    file.write_attribute("source_checksums", checksums);
    file.write_strings("/class_names", config.class_names);
    write_split(file, "/train", train);
    write_split(file, "/validation", validation);
  });
  return check_dataset(config.output);
}

}  // namespace incubate
