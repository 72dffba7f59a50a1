#pragma once

#include <string>
#include <vector>

#include "vision/labelled_images.h"

namespace incubate {

/// Reads CIFAR's binary files (cs.toronto.edu/~kriz/cifar.html), one after the other. A record is the label (CIFAR-10;
/// for CIFAR-100 the coarse label, which is ignored, and the fine one), then 32 x 32 bytes of red, of green and of
/// blue. Throws InputError if a file is missing or no whole number of records.
LabelledImages read_cifar(const std::vector<std::string>& paths, std::int64_t num_classes);

/// The lines of a text file such as CIFAR's batches.meta.txt, without empty ones and spaces around names. Throws
/// InputError if there are none.
std::vector<std::string> read_class_names(const std::string& path);

}  // namespace incubate
