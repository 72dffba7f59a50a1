#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vision/dataset.h"

namespace incubate {

/// A file of a class's folder, as a listing shows it.
struct SourceFile {
  std::int64_t label = 0;
  std::string name;  ///< relative to the split's folder: "n01440764/n01440764_10026.JPEG"
  std::int64_t bytes = 0;
  std::int64_t modified_ns = 0;

  bool operator==(const SourceFile&) const = default;
};

/// The folders of an ImageFolder tree: train/<class>/ and validation/<class>/ (or val/).
struct ImageFolder {
  std::filesystem::path path;
  std::vector<std::string> class_folders;  ///< sorted: label i is folder i
  std::string validation_name;             ///< "validation" or "val"
  std::vector<std::string> strays;         ///< files that are in no class's folder, such as "train/notes.txt"

  /// The split's folder, relative to `path`.
  std::string split_name(Split split) const { return split == Split::train ? "train" : validation_name; }
};

/// Lists the classes' folders. Throws InputError if a folder is missing or cannot be read, or the splits' classes
/// differ.
ImageFolder open_image_folder(const std::filesystem::path& path);

/// The files of one class in one split, sorted by name; entries that are not files go to `strays`. Throws InputError if
/// one cannot be read.
std::vector<SourceFile> list_class(const ImageFolder& folder, Split split, std::int64_t label,
                                   std::vector<std::string>& strays);

/// A listing as text, and back: ranks list different classes and tell each other.
std::string to_text(std::span<const SourceFile> files);
void append_from_text(std::string_view text, std::vector<SourceFile>& files);

}  // namespace incubate
