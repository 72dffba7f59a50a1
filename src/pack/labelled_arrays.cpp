#include "pack/labelled_arrays.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <limits>

#include <fmt/ranges.h>

#include "base/check.h"
#include "base/input_file.h"
#include "hdf5/file.h"

namespace incubate {
namespace {

bool may_be_channels(std::int64_t extent) { return extent == 1 || extent == 3 || extent == 4; }

std::string shape_of(const SourceArray& array) { return fmt::format("{}", fmt::join(array.shape, "x")); }

void check_order(const SourceArray& array) {
  check_input(!array.is_fortran || array.shape.size() < 2,
              "{} is in Fortran order (its first index varies fastest), not in C order. Save "
              "numpy.ascontiguousarray(array).",
              array.name);
}

void check_images(const SourceArray& images) {
  check_input(images.type == "|u1" || images.type == "<u2" || images.type == ">u2",
              "{} has values of type {}, not unsigned integers of 8 or 16 bits (|u1, <u2, >u2). Convert them, such as "
              "by numpy.round(65535 * images).astype(numpy.uint16) if they are 0 .. 1.",
              images.name, images.type);
  const std::vector<std::int64_t>& shape = images.shape;
  const std::size_t rank = shape.size();
  check_input(rank == 3 || rank == 4,
              "{} has the shape {}; images have images x height x width, or images x height x width x channels. "
              "Reshape it.",
              images.name, shape_of(images));
  check_order(images);
  check_input(std::ranges::count(shape, 0) == 0, "{} has the shape {}, which is empty. Name a file with images.",
              images.name, shape_of(images));
  check_input(rank == 3 || may_be_channels(shape[3]) || !may_be_channels(shape[1]),
              "{} has the shape {}, channels first; they must be last. Save numpy.moveaxis(images, 1, -1).copy().",
              images.name, shape_of(images));
  check_input(rank == 3 || may_be_channels(shape[3]),
              "{} has the shape {}, {} channels; images have 1, 3 or 4, last. Take such channels.", images.name,
              shape_of(images), shape[3]);
}

/// Swaps the bytes of 16-bit values.
void swap_bytes(std::vector<std::uint8_t>& bytes) {
  for (std::size_t i = 0; i < bytes.size(); i += 2) std::swap(bytes[i], bytes[i + 1]);
}

/// Returns integers of any size. One that is too large becomes the largest.
std::vector<std::int64_t> to_labels(const SourceArray& labels) {
  const auto size = static_cast<std::size_t>(labels.value_bytes());
  check_input(size > 0 && labels.type[1] != 'f', "{} has values of type {}; labels are integers. Convert them.",
              labels.name, labels.type);
  check_input(labels.shape.size() == 1,
              "{} has the shape {}; labels are one integer an image. Save labels.reshape(-1), or labels.argmax(1) if "
              "they are 0 and 1 for each class.",
              labels.name, shape_of(labels));
  const bool is_big_endian = labels.type[0] == '>';
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 0; i < labels.bytes.size(); i += size) {
    const auto byte = [&](std::size_t k) { return labels.bytes[i + (is_big_endian ? k : size - 1 - k)]; };
    std::uint64_t number = labels.type[1] == 'i' && byte(0) >= 0x80 ? ~std::uint64_t{0} : 0;
    for (std::size_t k = 0; k < size; ++k) number = (number << 8) | byte(k);
    numbers.push_back(labels.type[1] == 'u' && static_cast<std::int64_t>(number) < 0
                          ? std::numeric_limits<std::int64_t>::max()
                          : static_cast<std::int64_t>(number));
  }
  return numbers;
}

}  // namespace

SourceArray read_hdf5_array(const std::string& path, const std::string& dataset) {
  open_input_file(path);
  try {
    const Hdf5File file = Hdf5File::open_compressed(path);
    check_input(file.contains(dataset), "{} has no dataset {} (but {}). Name one: {}:/DATASET.", path, dataset,
                fmt::join(file.list("/"), ", "), path);
    SourceArray array{.name = path + ":" + dataset, .type = file.number_type(dataset), .shape = {}, .bytes = {}};
    std::ranges::copy(file.shape(dataset), std::back_inserter(array.shape));
    if (array.value_bytes() > 0) array.bytes = file.read_stored(dataset);
    return array;
  } catch (const InputError&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw InputError(
        fmt::format("{}: {}. Name an HDF5 file and a dataset in it, or copy it again.", path, error.what()));
  }
}

LabelledImages label_images(SourceArray images, const SourceArray& labels, std::int64_t num_classes) {
  check_images(images);
  LabelledImages split{.height = images.shape[1],
                       .width = images.shape[2],
                       .channels = images.shape.size() == 4 ? images.shape[3] : 1,
                       .value_bytes = images.value_bytes(),
                       .bytes = std::move(images.bytes),
                       .labels = to_labels(labels)};
  if (images.type == (std::endian::native == std::endian::little ? ">u2" : "<u2")) swap_bytes(split.bytes);
  check_input(labels.shape[0] == images.shape[0],
              "{} has {} labels but {} has {} images. Give the files that belong together.", labels.name,
              labels.shape[0], images.name, images.shape[0]);
  for (std::size_t i = 0; i < split.labels.size(); ++i) {
    check_input(split.labels[i] >= 0,
                "{}: label {} of image {} is negative (labels count classes from 0). Number the classes anew.",
                labels.name, split.labels[i], i);
  }
  check_labels(split.labels, num_classes, labels.name);
  return split;
}

void check_no_gap(const std::vector<std::int64_t>& labels, const std::vector<std::string>& class_names,
                  const std::string& origin) {
  for (std::size_t i = 0; i < class_names.size(); ++i) {
    check_input(std::ranges::count(labels, static_cast<std::int64_t>(i)) > 0,
                "{}: no image has the label {}, but {} classes have names (labels count from 0 without a gap). Number "
                "the classes anew, or leave out the name '{}'.",
                origin, i, class_names.size(), class_names[i]);
  }
}

}  // namespace incubate
