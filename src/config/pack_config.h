#pragma once

#include <string>
#include <vector>

#include "config/setting.h"

namespace incubate {

enum class PackFormat { idx };

/// What `incubate pack` is told.
struct PackConfig {
  PackFormat format = PackFormat::idx;
  std::string train_images;
  std::string train_labels;
  std::string validation_images;
  std::string validation_labels;
  std::vector<std::string> class_names;
  std::string output;
};

std::vector<Setting> list_settings(PackConfig& config);

/// Throws InputError when something needed is missing.
void validate(const PackConfig& config);

}  // namespace incubate
