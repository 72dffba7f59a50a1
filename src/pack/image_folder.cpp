#include "pack/image_folder.h"

#include <algorithm>

#include "base/check.h"

namespace incubate {
namespace {

namespace fs = std::filesystem;

/// Returns the names in a folder, sorted as bytes. For UTF-8 that is also the order of Python's sorted().
std::vector<std::string> list_names(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  check_input(!error, "{} cannot be read: {}. Check the path and its permissions.", folder.string(), error.message());
  std::ranges::sort(names);
  return names;
}

/// Adds a split's class folders to `source.parts`, sorted. Returns their names.
std::vector<std::string> find_class_folders(const fs::path& path, Split split, Source& source) {
  const std::string& name = source.split_names[split];
  std::vector<std::string> classes;
  for (const std::string& entry : list_names(path / name)) {
    if (is_hidden(entry)) {
      source.left_out.push_back(left_out(name + "/" + entry, "it is hidden"));
    } else if (!look_at(path / name / entry).is_folder) {
      source.left_out.push_back(left_out(name + "/" + entry, "it is not a class's file"));
    } else {
      classes.push_back(entry);
      source.parts.push_back({.split = split, .folder = path / name, .name = entry});
    }
  }
  check_input(!classes.empty(), "{} has no folders: one for each class is needed. Sort its images into such.",
              (path / name).string());
  return classes;
}

}  // namespace

Source open_image_folder(const fs::path& path) {
  check_input(fs::is_directory(path),
              "--folder={} is no folder. Name one with train/ and validation/ in it; unpack an archive first.",
              path.string());
  const bool has_val = fs::is_directory(path / "val");
  const bool has_validation = fs::is_directory(path / "validation");
  check_input(fs::is_directory(path / "train") && (has_val || has_validation),
              "--folder={} has no {}/. Name a folder with train/ and validation/ (or val/) in it, which have a folder "
              "for each class.",
              path.string(), fs::is_directory(path / "train") ? "validation" : "train");
  check_input(!has_val || !has_validation,
              "--folder={} has both val/ and validation/ (they mean the same). Take one away.", path.string());
  Source source;
  source.split_names[Split::validation] = has_val ? "val" : "validation";
  for (const std::string& entry : list_names(path)) {
    const bool is_split = entry == "train" || entry == source.split_names[Split::validation];
    if (!is_split && !is_hidden(entry) && fs::is_directory(path / entry)) {
      source.left_out.push_back(left_out(entry, "only train/ and validation/ (or val/) are packed"));
    }
  }
  const std::vector<std::string> classes = find_class_folders(path, Split::train, source);
  check_input(classes.size() > 1,
              "--folder={}: '{}' is the only class in train/ (training needs two classes). Name the folder whose "
              "train/ has a folder for each class.",
              path.string(), classes.front());
  const std::vector<std::string> others = find_class_folders(path, Split::validation, source);
  check_same_classes("--folder=" + path.string(), source, classes, others);
  return source;
}

Listing list_class(const Source& source, const SourcePart& part) {
  const std::string& split_name = source.split_names.at(part.split);
  Listing listing;
  for (const std::string& entry : list_names(part.path())) {
    const std::string name = part.name + "/" + entry;
    if (is_hidden(entry)) {
      listing.left_out.push_back(left_out(split_name + "/" + name, "it is hidden"));
      continue;
    }
    const FileState found = look_at(part.folder / name);
    if (found.is_file) {
      listing.add(part.name, {.name = name, .bytes = found.bytes, .modified_ns = found.modified_ns});
    } else {
      listing.left_out.push_back(left_out(split_name + "/" + name, "it is not a class's file"));
    }
  }
  check_input(!listing.files.empty(),
              "--folder={}: the class folder {}/{} has no files (those in its folders do not count). Fill it, or take "
              "the class away.",
              part.folder.parent_path().string(), split_name, part.name);
  return listing;
}

}  // namespace incubate
