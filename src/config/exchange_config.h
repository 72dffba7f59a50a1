#pragma once

#include <string>
#include <vector>

#include "config/setting.h"

namespace incubate {

/// Whose names the weights have in a file.
enum class WeightFormat { timm, reference };

/// What `incubate export` is told beside the configuration of the run.
struct ExportConfig {
  std::string training;
  WeightFormat format = WeightFormat::timm;
  std::string output;
};

/// What `incubate import` is told beside the configuration of the run.
struct ImportConfig {
  std::string training;
  WeightFormat format = WeightFormat::timm;
  std::string input;
};

std::vector<Setting> list_settings(ExportConfig& config);
std::vector<Setting> list_settings(ImportConfig& config);

/// Throws InputError when something needed is missing.
void validate(const ExportConfig& config);
void validate(const ImportConfig& config);

}  // namespace incubate
