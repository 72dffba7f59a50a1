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

/// Adds a split's class folders, which lie in `place`, to `source.parts`, sorted. Returns their names.
std::vector<std::string> find_class_folders(const fs::path& place, Split split, Source& source) {
  const std::string& name = source.split_names[split];
  std::vector<std::string> classes;
  for (const std::string& entry : list_names(place)) {
    if (is_hidden(entry)) {
      source.left_out.push_back(left_out(name + "/" + entry, "it is hidden"));
    } else if (!look_at(place / entry).is_folder) {
      source.left_out.push_back(left_out(name + "/" + entry, "it is not a class's file"));
    } else {
      classes.push_back(entry);
      source.parts.push_back({.split = split, .folder = place, .name = entry});
    }
  }
  check_input(!classes.empty(), "{} has no folders: one for each class is needed. Sort its images into such.",
              place.string());
  return classes;
}

}  // namespace

Source open_image_folder(const fs::path& path, FolderSplits splits) {
  check_input(fs::is_directory(path),
              "--folder={} is no folder. Name one with train/ and validation/ in it; archives need --format=tar.",
              path.string());
  const bool has_train = fs::is_directory(path / "train");
  const bool has_val = fs::is_directory(path / "val"), has_validation = fs::is_directory(path / "validation");
  Source source;
  const std::string& validation = source.split_names[Split::validation] = has_val ? "val" : "validation";
  if (splits == FolderSplits::both) {
    check_input(
        has_train && (has_val || has_validation),
        "--folder={} has no {}/. Name a folder with train/ and validation/ (or val/) in it, which have a folder "
        "for each class.{}",
        path.string(), has_train ? "validation" : "train", has_train ? " Or give --validation-share." : "");
    check_input(!has_val || !has_validation,
                "--folder={} has both val/ and validation/ (they mean the same). Take one away.", path.string());
  } else {
    check_input(
        !has_val && !has_validation,
        "--folder={} has {}/, but --validation-share is given (each makes the validation split). Leave one out.",
        path.string(), validation);
  }
  const fs::path train = has_train ? path / "train" : path;
  source.split_names[Split::train] = fs::absolute(train / "").parent_path().filename().string();
  for (const std::string& entry : has_train ? list_names(path) : std::vector<std::string>()) {
    if (entry != "train" && entry != validation && !is_hidden(entry) && fs::is_directory(path / entry)) {
      source.left_out.push_back(left_out(entry, kNoSplit));
    }
  }
  const std::vector<std::string> classes = find_class_folders(train, Split::train, source);
  check_input(classes.size() > 1,
              "--folder={}: '{}' is the only class in {}/ (training needs two classes). Name the folder whose "
              "train/ has a folder for each class.",
              path.string(), classes.front(), source.split_names[Split::train]);
  if (splits == FolderSplits::train_alone) {
    source.split_names[Split::validation] = source.split_names[Split::train];
  } else {
    const std::vector<std::string> others = find_class_folders(path / validation, Split::validation, source);
    check_same_classes("--folder=" + path.string(), source, classes, others);
  }
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
              "{} has no files (those in its folders do not count). Fill it, or take the class away.",
              part.path().string());
  return listing;
}

}  // namespace incubate
