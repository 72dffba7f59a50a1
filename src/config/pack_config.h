#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/setting.h"

namespace incubate {

enum class PackFormat { idx, npy, hdf5, cifar, folder, tar, webdataset, csv };
/// Returns whether the format has encoded images, which become a set of shards; else raw pixels, for one file.
constexpr bool is_encoded(PackFormat format) { return format >= PackFormat::folder; }
/// Returns whether the format tells classes by labels, numbers as a rule; else by folders.
constexpr bool has_labels(PackFormat format) { return format >= PackFormat::webdataset; }

/// Options of `incubate pack`.
struct PackConfig {
  PackFormat format = PackFormat::idx;
  // IDX and NPY have separate files of images and labels; HDF5 files have datasets, FILE:/DATASET.
  std::string train_images;
  std::string train_labels;
  std::string validation_images;
  std::string validation_labels;
  // CIFAR, archives and tables have images with their labels, in any number of files.
  std::vector<std::string> train_files;
  std::vector<std::string> validation_files;
  // A folder has one file an image.
  std::string folder;
  std::optional<std::int64_t> shorter_side;  // absent: images keep their size
  std::int64_t quality = 90;
  double shard_mb = 1500;
  std::string class_names_file;
  std::vector<std::string> class_names;
  double subset = 1;
  std::optional<double> validation_share;  // of the training images; absent: the source has a validation split
  std::int64_t seed = 0;                   // of the choice of these
  std::string output;
  std::string verify;  // an index: pack nothing, verify its set

  std::int64_t shard_bytes() const { return static_cast<std::int64_t>(shard_mb * 1e6); }
};

std::vector<Setting> list_settings(PackConfig& config);

/// Throws InputError if a required option is missing, or an option of another format is given.
void validate(const PackConfig& config);

/// A dataset of an HDF5 file.
struct DatasetPlace {
  std::string file;
  std::string dataset;
};
/// Returns the dataset that `text`, FILE or FILE:/DATASET, names; /images or /labels by default.
DatasetPlace images_place(const std::string& text);
/// Without `text` the dataset is in the file of `images`.
DatasetPlace labels_place(const std::string& text, const std::string& images);

/// Returns the files that `config` names to be read, training images and labels first; none of a folder's images.
std::vector<std::string> list_sources(const PackConfig& config);
/// Returns a sentence on how many of the training images are taken for validation.
std::string describe_validation(const PackConfig& config, std::int64_t num_taken, std::int64_t num_images);
/// Returns the option that names the encoded training images, with its value's begin, for messages.
std::string describe_source(const PackConfig& config);

}  // namespace incubate
