#include "vision/array_dataset.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "base/check.h"
#include "hdf5/verified_file.h"
#include "vision/filetype.h"
#include "vision/labelled_images.h"
#include "vision/pixel_statistics.h"

namespace incubate {

namespace {

DatasetInfo read_info(const Hdf5File& file, const std::filesystem::path& path) {
  const std::string name = path.string();
  DatasetInfo info;
  info.value_bytes = check_filetype(file, name, kDatasetFiletype, kDatasetVersion) > 1 ? 2 : 1;
  info.digest = stated_digest(path);
  info.class_names = file.read_strings("/class_names");
  for (const Split split : kSplits) {
    const std::string group = std::string("/") + to_string(split);
    const std::vector<hsize_t> shape = file.shape(group + "/images");
    const std::vector<std::int64_t> labels = file.read<std::int64_t>(group + "/labels");
    check_input(shape.size() == 4 && shape[0] == labels.size(), "{}: {} has {} labels for {} images. Pack it again.",
                name, group, labels.size(), shape.empty() ? 0 : shape[0]);
    const std::string type = file.number_type(group + "/images");
    check_input(info.value_bytes == 1 ? type == "|u1" : type.ends_with("u2"),
                "{}: {} has images of type {}, not unsigned integers of {} bits. Pack it again.", name, group, type,
                8 * info.value_bytes);
    check_labels(labels, info.num_classes(), name + group);
    const std::vector<std::int64_t> sides(shape.begin() + 1, shape.end());
    check_input(std::ranges::count(shape, 0) == 0, "{}: {} has {} images of {}. Pack it again.", name, group, shape[0],
                fmt::join(sides, "x"));
    const std::vector<std::int64_t> train_sides = {info.height, info.width, info.channels};
    check_input(split == Split::train || sides == train_sides,
                "{}: images of {} in /train but {} in {}. Pack it again.", name, fmt::join(train_sides, "x"),
                fmt::join(sides, "x"), group);
    (split == Split::train ? info.num_train : info.num_validation) = static_cast<std::int64_t>(shape[0]);
    info.height = static_cast<std::int64_t>(shape[1]);
    info.width = static_cast<std::int64_t>(shape[2]);
    info.channels = static_cast<std::int64_t>(shape[3]);
  }
  PixelStatistics statistics = read_statistics(file, name, info.channels);
  info.mean = std::move(statistics.mean);
  info.std = std::move(statistics.std);
  return info;
}

}  // namespace

DatasetInfo check_array_dataset(const std::filesystem::path& path) {
  return read_intact_file(path, [&path](const Hdf5File& file) { return read_info(file, path); });
}

ArrayDataset::ArrayDataset(const std::filesystem::path& path, Split split) {
  const Hdf5File file = Hdf5File::open(path);
  const std::string group = std::string("/") + to_string(split);
  const std::vector<hsize_t> shape = file.shape(group + "/images");
  height_ = static_cast<std::int64_t>(shape.at(1));
  width_ = static_cast<std::int64_t>(shape.at(2));
  channels_ = static_cast<std::int64_t>(shape.at(3));
  value_bytes_ = file.number_type(group + "/images") == "|u1" ? 1 : 2;
  images_.resize(shape[0] * height_ * width_ * channels_ * value_bytes_);
  if (value_bytes_ == 1) {
    file.read_into<std::uint8_t>(group + "/images", images_);
  } else {
    file.read_into<std::uint16_t>(group + "/images", as_16_bits(images_));
  }
  labels_ = file.read<std::int64_t>(group + "/labels");
}

std::span<const std::uint8_t> ArrayDataset::image(std::int64_t index) const {
  const std::int64_t bytes = height_ * width_ * channels_ * value_bytes_;
  return std::span(images_).subspan(index * bytes, bytes);
}

std::unique_ptr<const ImageSource> ArrayDataset::open(std::int64_t index) const {
  return std::make_unique<ArraySource>(height_, width_, channels_, value_bytes_, image(index));
}

}  // namespace incubate
