#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/setting.h"

namespace incubate {

enum class PackFormat { idx, cifar, folder };

/// Options of `incubate pack`.
struct PackConfig {
  PackFormat format = PackFormat::idx;
  // IDX has separate files of images and labels.
  std::string train_images;
  std::string train_labels;
  std::string validation_images;
  std::string validation_labels;
  // CIFAR has several files of training images, with their labels.
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
  std::string output;
  std::string verify;  // an index: pack nothing, verify its set

  std::int64_t shard_bytes() const { return static_cast<std::int64_t>(shard_mb * 1e6); }
};

std::vector<Setting> list_settings(PackConfig& config);

/// Throws InputError if a required option is missing, or an option of another format is given.
void validate(const PackConfig& config);

/// Returns the files that `config` names to be read, training images and labels first; none of a folder's images.
std::vector<std::string> list_sources(const PackConfig& config);

}  // namespace incubate
