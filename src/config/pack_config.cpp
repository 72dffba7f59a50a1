#include "config/pack_config.h"

#include "base/check.h"

namespace incubate {

std::vector<Setting> list_settings(PackConfig& c) {
  const Kind r = Kind::result;
  return {make_enum_setting<PackFormat>("format", c.format, {{PackFormat::idx, "idx"}}, r, "of the files to read"),
          make_setting("train-images", c.train_images, r, "path", "training images (IDX, gzip'ed or not)"),
          make_setting("train-labels", c.train_labels, r, "path", "training labels"),
          make_setting("validation-images", c.validation_images, r, "path", "images to evaluate on"),
          make_setting("validation-labels", c.validation_labels, r, "path", "their labels"),
          make_setting("class-names", c.class_names, r, "a,b,...", "one name a class, in order of the labels"),
          make_setting("output", c.output, Kind::operation, "path", "HDF5 file to write")};
}

void validate(const PackConfig& config) {
  PackConfig copy = config;
  for (const Setting& setting : list_settings(copy)) {
    check_input(!setting.get().empty(), "--{} is missing: pack needs it. Give --{}={} ({}).", setting.name,
                setting.name, setting.unit, setting.meaning);
  }
}

}  // namespace incubate
