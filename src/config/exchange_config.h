#pragma once

#include <string>
#include <vector>

#include "config/setting.h"

namespace incubate {

/// The program whose names the weights have in a file.
enum class WeightFormat { timm, reference };

/// Options of `incubate export` besides the run's configuration.
struct ExportConfig {
  std::string training;
  WeightFormat format = WeightFormat::timm;
  std::string output;
};

/// Options of `incubate import` besides the run's configuration.
struct ImportConfig {
  std::string training;
  WeightFormat format = WeightFormat::timm;
  std::string input;
};

/// Returns the setting `format`.
Setting make_format_setting(WeightFormat& format);

std::vector<Setting> list_settings(ExportConfig& config);
std::vector<Setting> list_settings(ImportConfig& config);

/// Throws InputError if a required option is missing.
void validate(const ExportConfig& config);
void validate(const ImportConfig& config);

}  // namespace incubate
