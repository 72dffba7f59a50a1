#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/setting.h"

namespace incubate {

enum class PackFormat { idx, cifar, folder };

/// What `incubate pack` is told.
struct PackConfig {
  PackFormat format = PackFormat::idx;
  // IDX has images and labels in files of their own,
  std::string train_images;
  std::string train_labels;
  std::string validation_images;
  std::string validation_labels;
  // CIFAR together, the training images in several,
  std::vector<std::string> train_files;
  std::vector<std::string> validation_files;
  // a folder one file an image.
  std::string folder;
  std::optional<std::int64_t> shorter_side;  // without it, images stay as they are
  std::int64_t quality = 90;
  double shard_mb = 1500;
  std::string class_names_file;
  std::vector<std::string> class_names;
  double subset = 1;
  std::string output;
  std::string verify;  // an index: pack nothing, check its set

  std::int64_t shard_bytes() const { return static_cast<std::int64_t>(shard_mb * 1e6); }
};

std::vector<Setting> list_settings(PackConfig& config);

/// Throws InputError when something needed is missing, or given but of another format.
void validate(const PackConfig& config);

/// The files that `config` names to be read, training images and labels first; of a folder none of its images.
std::vector<std::string> list_sources(const PackConfig& config);

}  // namespace incubate
