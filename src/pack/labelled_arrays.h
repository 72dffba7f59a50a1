#pragma once

#include "pack/npy.h"
#include "vision/labelled_images.h"

namespace incubate {

/// Reads a dataset of another program's HDF5 file, compressed or not. Throws InputError if it is missing or damaged.
SourceArray read_hdf5_array(const std::string& file, const std::string& dataset);

/// Returns the images, of shape N x height x width or N x height x width x channels, with their labels. Throws
/// InputError unless the images are unsigned integers of 8 or 16 bits of 1, 3 or 4 channels and the labels N integers,
/// 0 .. num_classes-1.
LabelledImages label_images(SourceArray images, const SourceArray& labels, std::int64_t num_classes);

/// Throws InputError naming the first class that no image is of.
void check_no_gap(const std::vector<std::int64_t>& labels, const std::vector<std::string>& class_names,
                  const std::string& origin);

}  // namespace incubate
