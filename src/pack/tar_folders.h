#pragma once

#include "pack/source.h"

namespace incubate {

/// Finds the archives of tar files with CLASS/IMAGE, or with images of one class, which the file's name tells; of tar
/// files with such archives, these. Throws InputError if a file is missing, or is no tar archive.
Source open_tar_folders(const PackConfig& config);

/// Lists an archive. Folders that are above all classes do not matter. Leaves out what is hidden, no file, or outside
/// class folders. Throws InputError if there is no image, or the archive is damaged.
Listing list_tar_folders(const SourcePart& part);

}  // namespace incubate
