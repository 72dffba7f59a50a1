#pragma once

#include <filesystem>

#include "pack/source.h"

namespace incubate {

enum class FolderSplits { both, train_alone };

/// Finds the class folders of an ImageFolder tree: train/<class>/ and validation/<class>/ (or val/). Without
/// validation, they may lie in `path` itself. Throws InputError if a folder is missing, unreadable or too many, if
/// there is one class only, or if the splits have different classes.
Source open_image_folder(const std::filesystem::path& path, FolderSplits splits = FolderSplits::both);

/// Lists the files of a class's folder. Leaves hidden entries out and those that are not files. Throws InputError if an
/// entry cannot be read, or if there is no file.
Listing list_class(const Source& source, const SourcePart& part);

}  // namespace incubate
