#pragma once

#include "pack/source.h"

namespace incubate {

/// Finds CSV tables of images. Large tables have several parts, so that ranks share looking at the files. Throws
/// InputError if a table is missing.
Source open_image_tables(const PackConfig& config);

/// Lists a part of a table with a path and a label in each row. A header names these columns, among others; without it,
/// they are all. Paths are relative to the table's folder. Labels are the numbers or names of classes. Throws
/// InputError naming the line if it has not all, or if its file cannot be read.
Listing list_image_table(const SourcePart& part);

}  // namespace incubate
