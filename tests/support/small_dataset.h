#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "pack/pack.h"
#include "support/idx_file.h"
#include "vision/array_dataset.h"

namespace incubate {

/// Sizes of an artificial data set with grey images: image i has the label i % classes.
struct SmallDataset {
  std::uint32_t num_train = 24;
  std::uint32_t num_validation = 11;
  std::uint32_t side = 8;
  std::uint32_t classes = 3;
};

/// Returns byte `offset` of image `index`: noise that depends on the label, so that a network can learn it.
inline std::uint8_t small_dataset_byte(std::uint32_t index, std::uint32_t offset, std::uint32_t classes) {
  return static_cast<std::uint8_t>((80 * (index % classes)) + ((index * 31 + offset * 17) % 90));
}

/// Writes the IDX files of `sizes` into `directory` and returns the configuration that packs them into data.h5 there.
inline PackConfig write_small_idx(const std::filesystem::path& directory, const SmallDataset& sizes) {
  PackConfig config;
  for (std::uint32_t i = 0; i < sizes.classes; ++i) config.class_names.push_back("class " + std::to_string(i));
  const auto write_split = [&](const std::string& name, std::uint32_t count, std::string& images, std::string& labels) {
    const std::uint32_t image_bytes = sizes.side * sizes.side;
    std::vector<std::uint8_t> bytes;
    std::vector<std::uint8_t> classes;
    for (std::uint32_t i = 0; i < count; ++i) {
      for (std::uint32_t k = 0; k < image_bytes; ++k) bytes.push_back(small_dataset_byte(i, k, sizes.classes));
      classes.push_back(static_cast<std::uint8_t>(i % sizes.classes));
    }
    images = directory / (name + "-images.gz");
    labels = directory / (name + "-labels");
    write_gzip(images, idx_bytes({count, sizes.side, sizes.side}, bytes));
    write_plain(labels, idx_bytes({count}, classes));
  };
  write_split("train", sizes.num_train, config.train_images, config.train_labels);
  write_split("validation", sizes.num_validation, config.validation_images, config.validation_labels);
  config.output = directory / "data.h5";
  return config;
}

/// Packs a data set of `sizes` in `directory` and returns the file's path.
inline std::filesystem::path pack_small_dataset(const std::filesystem::path& directory, const SmallDataset& sizes) {
  bool was_complete = false;
  const PackConfig config = write_small_idx(directory, sizes);
  Log log(Log::Level::warnings_only, [](const std::string&) {});
  pack(config, was_complete, log);
  return config.output;
}

}  // namespace incubate
