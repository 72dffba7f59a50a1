#include "pack/image_folder.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <sys/stat.h>

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

/// Notebooks, file managers and file systems leave hidden files and folders anywhere.
bool is_hidden(const std::string& name) { return name.starts_with('.'); }

struct stat look_at(const fs::path& path) {
  struct stat found {};
  const int status = ::stat(path.c_str(), &found);
  const int reason = errno;
  check_input(status == 0, "{} cannot be read: {}. Mend it or take it away.", path.string(), std::strerror(reason));
  return found;
}

std::vector<std::string> list_class_folders(const ImageFolder& folder, Split split, std::vector<std::string>& strays) {
  const std::string name = folder.split_name(split);
  std::vector<std::string> classes;
  for (const std::string& entry : list_names(folder.path / name)) {
    if (!is_hidden(entry) && S_ISDIR(look_at(folder.path / name / entry).st_mode)) {
      classes.push_back(entry);
    } else {
      strays.push_back(name + "/" + entry);
    }
  }
  check_input(!classes.empty(), "{} has no folders: one for each class is needed. Sort its images into such.",
              (folder.path / name).string());
  return classes;
}

/// Returns the first entry of `names` that `others` lacks; "" if there is none.
std::string find_missing(const std::vector<std::string>& names, const std::vector<std::string>& others) {
  const auto missing =
      std::ranges::find_if(names, [&](const std::string& name) { return !std::ranges::binary_search(others, name); });
  return missing == names.end() ? "" : *missing;
}

std::int64_t take_number(std::string_view& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  check_running(error == std::errc{}, "a listing of files is garbled");
  text.remove_prefix(std::min<std::size_t>(end - text.data() + 1, text.size()));
  return number;
}

}  // namespace

ImageFolder open_image_folder(const fs::path& path) {
  check_input(fs::is_directory(path),
              "--folder={} is no folder. Name one with train/ and validation/ in it; unpack an archive first.",
              path.string());
  ImageFolder folder{.path = path, .class_folders = {}, .validation_name = {}, .strays = {}};
  const bool has_val = fs::is_directory(path / "val");
  const bool has_validation = fs::is_directory(path / "validation");
  check_input(fs::is_directory(path / "train") && (has_val || has_validation),
              "--folder={} has no {}/. Name a folder with train/ and validation/ (or val/) in it, which have a folder "
              "for each class.",
              path.string(), fs::is_directory(path / "train") ? "validation" : "train");
  check_input(!has_val || !has_validation,
              "--folder={} has both val/ and validation/ (they mean the same). Take one away.", path.string());
  folder.validation_name = has_val ? "val" : "validation";
  for (const std::string& entry : list_names(path)) {
    const bool is_split = entry == "train" || entry == folder.validation_name;
    if (!is_split && !is_hidden(entry) && fs::is_directory(path / entry)) folder.strays.push_back(entry);
  }
  folder.class_folders = list_class_folders(folder, Split::train, folder.strays);
  check_input(
      folder.class_folders.size() > 1,
      "--folder={}: '{}' is the only class in train/ (training needs two classes). Name the folder whose train/ "
      "has a folder for each class.",
      path.string(), folder.class_folders.front());
  const std::vector<std::string> others = list_class_folders(folder, Split::validation, folder.strays);
  const std::string only_train = find_missing(folder.class_folders, others);
  const std::string only_validation = find_missing(others, folder.class_folders);
  check_input(only_train.empty() && only_validation.empty(),
              "--folder={}: the class '{}' is in {}/ but not in {}/ ({} classes in train/, {} in {}/; they must be the "
              "same). Add its folder, or take it away.",
              path.string(), only_train.empty() ? only_validation : only_train,
              only_train.empty() ? folder.validation_name : "train",
              only_train.empty() ? "train" : folder.validation_name, folder.class_folders.size(), others.size(),
              folder.validation_name);
  return folder;
}

std::vector<SourceFile> list_class(const ImageFolder& folder, Split split, std::int64_t label,
                                   std::vector<std::string>& strays) {
  const fs::path split_path = folder.path / folder.split_name(split);
  const std::string& class_folder = folder.class_folders[label];
  std::vector<SourceFile> files;
  for (const std::string& entry : list_names(split_path / class_folder)) {
    const std::string name = class_folder + "/" + entry;
    struct stat found {};
    if (!is_hidden(entry)) found = look_at(split_path / name);
    if (!S_ISREG(found.st_mode)) {
      strays.push_back(folder.split_name(split) + "/" + name);
      continue;
    }
    files.push_back({.label = label,
                     .name = name,
                     .bytes = found.st_size,
                     .modified_ns = (found.st_mtim.tv_sec * std::int64_t{1'000'000'000}) + found.st_mtim.tv_nsec});
  }
  return files;
}

std::string to_text(std::span<const SourceFile> files) {
  std::string text;
  for (const SourceFile& file : files) {
    // A zero ends each entry, because no file name contains one.
    text += fmt::format("{} {} {} {}", file.label, file.bytes, file.modified_ns, file.name) + '\0';
  }
  return text;
}

void append_from_text(std::string_view text, std::vector<SourceFile>& files) {
  while (!text.empty()) {
    SourceFile file;
    file.label = take_number(text);
    file.bytes = take_number(text);
    file.modified_ns = take_number(text);
    const std::size_t end = std::min(text.find('\0'), text.size());
    file.name = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    files.push_back(std::move(file));
  }
}

}  // namespace incubate
