#include "config/exchange_config.h"

#include "base/check.h"
#include "config/path_setting.h"

namespace incubate {
namespace {

Setting training_setting(std::string& training, const char* meaning) {
  return make_setting("training", training, Kind::operation, "name", meaning);
}

void check_given(const std::vector<Setting>& settings, const char* command) {
  for (const Setting& setting : settings) {
    check_input(!setting.get().empty(), "--{} is missing: {} needs it. Give --{}={} ({}).", setting.name, command,
                setting.name, setting.unit, setting.meaning);
  }
}

}  // namespace

Setting make_format_setting(WeightFormat& format) {
  return make_enum_setting<WeightFormat>(
      "format", format, {{WeightFormat::timm, "timm"}, {WeightFormat::reference, "reference"}}, Kind::operation,
      "whose names the weights have: timm's (its VisionTransformer's or ResNet's) or Deep Incubation's reference");
}

std::vector<Setting> list_settings(ExportConfig& c) {
  return {training_setting(c.training, "which training's weights, such as finetuned"), make_format_setting(c.format),
          make_path_setting("output", c.output, Kind::operation,
                            "folder for timm, or safetensors file (its name ends so), to write")};
}

std::vector<Setting> list_settings(ImportConfig& c) {
  return {training_setting(c.training, "which training the weights stand for, such as meta"),
          make_format_setting(c.format),
          make_path_setting("input", c.input, Kind::operation, "safetensors file to read")};
}

void validate(const ExportConfig& config) {
  ExportConfig copy = config;
  check_given(list_settings(copy), "export");
}

void validate(const ImportConfig& config) {
  ImportConfig copy = config;
  check_given(list_settings(copy), "import");
}

}  // namespace incubate
