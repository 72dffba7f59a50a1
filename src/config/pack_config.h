#pragma once

#include <string>
#include <vector>

#include "config/setting.h"

namespace incubate {

enum class PackFormat { idx, cifar };

/// What `incubate pack` is told.
struct PackConfig {
  PackFormat format = PackFormat::idx;
  // IDX has images and labels in files of their own,
  std::string train_images;
  std::string train_labels;
  std::string validation_images;
  std::string validation_labels;
  // CIFAR together, the training images in several.
  std::vector<std::string> train_files;
  std::vector<std::string> validation_files;
  std::string class_names_file;
  std::vector<std::string> class_names;
  double subset = 1;
  std::string output;
};

std::vector<Setting> list_settings(PackConfig& config);

/// Throws InputError when something needed is missing, or given but of another format.
void validate(const PackConfig& config);

/// The files that `config` names, training first.
std::vector<std::string> list_sources(const PackConfig& config);

}  // namespace incubate
