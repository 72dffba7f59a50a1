#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vision/dataset.h"

namespace incubate {

/// A file of a class folder, as listed.
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
  std::vector<std::string> strays;         ///< other folders, hidden files, and files outside class folders

  /// Returns the split's folder, relative to `path`.
  std::string split_name(Split split) const { return split == Split::train ? "train" : validation_name; }
};

/// Lists the class folders. Throws InputError if a folder is missing or unreadable, if there is one class only, or
/// if the splits have different classes.
ImageFolder open_image_folder(const std::filesystem::path& path);

/// Returns the files of one class in one split, sorted by name. Adds hidden entries and those that are not files to
/// `strays`. Throws InputError if an entry cannot be read.
std::vector<SourceFile> list_class(const ImageFolder& folder, Split split, std::int64_t label,
                                   std::vector<std::string>& strays);

/// Convert a listing to text and back, for ranks that list different classes.
std::string to_text(std::span<const SourceFile> files);
void append_from_text(std::string_view text, std::vector<SourceFile>& files);

}  // namespace incubate
