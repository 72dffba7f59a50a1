#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/pack_config.h"
#include "vision/image_shard.h"

namespace incubate {

/// A part of a split, which one rank lists: a class's folder, an archive (or one in it), some rows of a table.
struct SourcePart {
  Split split = Split::train;
  std::filesystem::path folder;  ///< names of image files are relative to it
  std::string name;              ///< of the class's folder, archive or table, in `folder`
  std::string class_name = {};   ///< of images that lie in no folder of their archive
  std::int64_t begin = 0;        ///< bytes begin .. end-1 of the archive; of a table: rows i with i % end == begin
  std::int64_t end = 0;

  std::filesystem::path path() const { return folder / name; }
  bool operator==(const SourcePart&) const = default;
};

/// An image's file, as listed.
struct SourceFile {
  std::int64_t label = 0;  ///< index in the listing's classes
  std::string name;        ///< unique in the split: "n01440764/n01440764_10026.JPEG"
  std::int64_t bytes = 0;
  std::int64_t modified_ns = 0;  ///< of the file, or of its archive
  std::int64_t part = 0;         ///< index in Source::parts
  std::int64_t offset = 0;       ///< in the part's archive; 0: a file of its own

  bool operator==(const SourceFile&) const = default;
};

/// A path as the file system describes it.
struct FileState {
  bool is_file = false;
  bool is_folder = false;
  std::int64_t bytes = 0;
  std::int64_t modified_ns = 0;
};
/// Follows links. Throws InputError if nothing is there.
FileState look_at(const std::filesystem::path& path);

/// Returns the record of a file that is not packed.
PackProblem left_out(std::string file, std::string reason);

/// The reason to leave out a folder beside those of the splits.
inline constexpr const char* kNoSplit = "only train/ and validation/ (or val/) are packed";

/// Returns whether a name is one of those that file managers, notebooks and file systems leave anywhere.
bool is_hidden(std::string_view name);

/// Returns the path with a file's bytes.
inline std::filesystem::path place_of(const SourceFile& file, const SourcePart& part) {
  return file.offset == 0 ? part.folder / file.name : part.path();
}

/// The images to pack, of any format: the parts in which they are listed.
struct Source {
  std::map<Split, std::string> split_names = {{Split::train, "train"}, {Split::validation, "validation"}};
  std::vector<SourcePart> parts;
  std::vector<PackProblem> left_out;
};

/// The images of some parts.
struct Listing {
  std::vector<std::string> classes;
  std::vector<SourceFile> files;
  std::vector<PackProblem> left_out;

  /// Adds an image of the named class.
  void add(const std::string& class_name, SourceFile file);
  /// Adds another listing's content.
  void append(Listing more);
  /// Sorts classes (as bytes, or numbers in front and by their values), and files by class and name. Throws InputError
  /// if two files have the same name.
  void sort(bool by_number, const Source& source);

 private:
  std::map<std::string, std::int64_t> label_of_;
};

/// Returns the files that `config` names for a split.
const std::vector<std::string>& files_of(const PackConfig& config, Split split);
/// Returns a part for each of these, a whole archive or table, in order.
std::vector<SourcePart> list_files(const PackConfig& config);

/// Finds the parts of the source that `config` names. Throws InputError if one is missing or of another format.
Source open_source(const PackConfig& config);
/// Lists the images of `source.parts[part]`. Throws InputError if that cannot be read, is damaged or has no images.
Listing list_part(const PackConfig& config, const Source& source, std::int64_t part);

/// Returns the number that `text` writes in the usual way ("7", not "07" or "+7"), else -1.
std::int64_t to_class_number(std::string_view text);

/// Throws InputError naming a class that only one split has. The names are sorted as bytes. `origin` names the source.
void check_same_classes(const std::string& origin, const Source& source, const std::vector<std::string>& train,
                        const std::vector<std::string>& validation);

/// Convert sources and listings to text and back, for ranks that list different parts.
std::string to_text(const Source& source);
Source source_from_text(std::string_view text);
std::string to_text(const Listing& listing);
Listing listing_from_text(std::string_view text);

}  // namespace incubate
