#pragma once

#include <string>
#include <vector>

#include "vision/labelled_images.h"

namespace incubate {

/// Reads CIFAR's binary files (cs.toronto.edu/~kriz/cifar.html), one after the other. A record is the label, then 32 x
/// 32 bytes each of red, green and blue. CIFAR-100 has a coarse label, ignored here, before the fine one. Throws
/// InputError if a file is missing or has no whole number of records.
LabelledImages read_cifar(const std::vector<std::string>& paths, std::int64_t num_classes);

/// Returns the lines of a text file such as CIFAR's batches.meta.txt, without blank lines and outer spaces. Throws
/// InputError if there are none.
std::vector<std::string> read_class_names(const std::string& path);

}  // namespace incubate
