#include "pack/source.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <numeric>
#include <tuple>

#include <sys/stat.h>

#include "base/check.h"
#include "base/input_file.h"
#include "pack/image_folder.h"
#include "pack/image_table.h"
#include "pack/tar_folders.h"
#include "pack/webdataset.h"

namespace incubate {
namespace {

// A zero ends each item of a text, because no name contains one.
void put(std::string& text, std::string_view item) { (text += item) += '\0'; }
void put(std::string& text, std::int64_t number) { put(text, std::to_string(number)); }

std::string take_text(std::string_view& text) {
  const std::size_t end = text.find('\0');
  check_running(end != std::string_view::npos, "a listing of files is garbled");
  std::string item(text.substr(0, end));
  text.remove_prefix(end + 1);
  return item;
}

std::int64_t take_number(std::string_view& text) {
  const std::string item = take_text(text);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), number);
  check_running(error == std::errc{}, "a listing of files is garbled");
  return number;
}

void put_left_out(std::string& text, const std::vector<PackProblem>& problems) {
  put(text, std::ssize(problems));
  for (const PackProblem& problem : problems) {
    put(text, problem.file);
    put(text, problem.reason);
  }
}

std::vector<PackProblem> take_left_out(std::string_view& text) {
  std::vector<PackProblem> problems(take_number(text));
  for (PackProblem& problem : problems) {
    problem.file = take_text(text);
    problem.reason = take_text(text);
  }
  return problems;
}

/// Returns the first entry of `names` that `others` lacks; "" if there is none.
std::string find_missing(const std::vector<std::string>& names, const std::vector<std::string>& others) {
  const auto missing =
      std::ranges::find_if(names, [&](const std::string& name) { return std::ranges::count(others, name) == 0; });
  return missing == names.end() ? "" : *missing;
}

}  // namespace

FileState look_at(const std::filesystem::path& path) {
  struct stat found {};
  const int status = ::stat(path.c_str(), &found);
  const int reason = errno;
  check_input(status == 0, "{} cannot be read: {}. Mend it or take it away.", path.string(), std::strerror(reason));
  return {.is_file = S_ISREG(found.st_mode),
          .is_folder = S_ISDIR(found.st_mode),
          .bytes = found.st_size,
          .modified_ns = (found.st_mtim.tv_sec * std::int64_t{1'000'000'000}) + found.st_mtim.tv_nsec};
}

PackProblem left_out(std::string file, std::string reason) {
  return {.kind = PackProblem::Kind::left_out, .file = std::move(file), .reason = std::move(reason)};
}

bool is_hidden(std::string_view name) { return name.starts_with('.') || name == "__MACOSX"; }

void Listing::add(const std::string& class_name, SourceFile file) {
  const auto [place, is_new] = label_of_.emplace(class_name, std::ssize(classes));
  if (is_new) classes.push_back(class_name);
  file.label = place->second;
  files.push_back(std::move(file));
}

void Listing::append(Listing more) {
  for (SourceFile& file : more.files) add(more.classes[file.label], std::move(file));
  std::ranges::move(more.left_out, std::back_inserter(left_out));
}

void Listing::sort(bool by_number, const Source& source) {
  const auto place_of = [&](std::int64_t label) {
    const std::int64_t number = by_number ? to_class_number(classes[label]) : -1;
    return std::tuple(number < 0, number, std::string_view(classes[label]));
  };
  std::vector<std::int64_t> order(classes.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, place_of);
  std::vector<std::int64_t> new_label(classes.size());
  std::vector<std::string> sorted;
  for (const std::int64_t label : order) {
    new_label[label] = std::ssize(sorted);
    sorted.push_back(classes[label]);
  }
  classes = std::move(sorted);
  for (std::size_t i = 0; i < classes.size(); ++i) label_of_[classes[i]] = static_cast<std::int64_t>(i);
  for (SourceFile& file : files) file.label = new_label[file.label];

  std::vector<std::size_t> by_name(files.size());
  std::iota(by_name.begin(), by_name.end(), 0);
  std::ranges::sort(by_name, {}, [&](std::size_t i) { return std::string_view(files[i].name); });
  const auto twice =
      std::ranges::adjacent_find(by_name, {}, [&](std::size_t i) { return std::string_view(files[i].name); });
  if (twice != by_name.end()) {
    const SourceFile &one = files[*twice], &other = files[*(twice + 1)];
    throw InputError(fmt::format("{} is in {} and again in {} (an image is packed once). Take one away.", one.name,
                                 source.parts[one.part].path().string(), source.parts[other.part].path().string()));
  }
  std::ranges::sort(files, {}, [](const SourceFile& file) { return std::tie(file.label, file.name); });
}

const std::vector<std::string>& files_of(const PackConfig& config, Split split) {
  return split == Split::train ? config.train_files : config.validation_files;
}

std::vector<SourcePart> list_files(const PackConfig& config) {
  std::vector<SourcePart> parts;
  for (const Split split : kSplits) {
    for (const std::string& file : files_of(config, split)) {
      const std::filesystem::path path = file;
      parts.push_back({.split = split,
                       .folder = path.parent_path(),
                       .name = path.filename().string(),
                       .class_name = path.stem().string(),
                       .end = std::int64_t(open_input_file(path).seekg(0, std::ios::end).tellg())});
    }
  }
  return parts;
}

Source open_source(const PackConfig& config) {
  switch (config.format) {
    case PackFormat::tar:
      return open_tar_folders(config);
    case PackFormat::webdataset:
      return open_webdataset(config);
    case PackFormat::csv:
      return open_image_tables(config);
    default:
      return open_image_folder(config.folder, config.validation_share ? FolderSplits::train_alone : FolderSplits::both);
  }
}

Listing list_part(const PackConfig& config, const Source& source, std::int64_t part) {
  Listing listing;
  switch (config.format) {
    case PackFormat::tar:
      listing = list_tar_folders(source.parts[part]);
      break;
    case PackFormat::webdataset:
      listing = list_webdataset(source.parts[part]);
      break;
    case PackFormat::csv:
      listing = list_image_table(source.parts[part]);
      break;
    default:
      listing = list_class(source, source.parts[part]);
  }
  for (SourceFile& file : listing.files) file.part = part;
  return listing;
}

std::int64_t to_class_number(std::string_view text) {
  std::int64_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && number >= 0 && std::to_string(number) == text ? number : -1;
}

void check_same_classes(const std::string& origin, const Source& source, const std::vector<std::string>& train,
                        const std::vector<std::string>& validation) {
  const std::string only_train = find_missing(train, validation), only_validation = find_missing(validation, train);
  const std::string &train_name = source.split_names.at(Split::train),
                    &validation_name = source.split_names.at(Split::validation);
  check_input(only_train.empty() && only_validation.empty(),
              "{}: the class '{}' is in {}/ but not in {}/ ({} classes in {}/, {} in {}/; they must be the same). Add "
              "it there, or take it away.",
              origin, only_train.empty() ? only_validation : only_train,
              only_train.empty() ? validation_name : train_name, only_train.empty() ? train_name : validation_name,
              train.size(), train_name, validation.size(), validation_name);
}

std::string to_text(const Source& source) {
  std::string text;
  for (const auto& [split, name] : source.split_names) put(text, name);
  put_left_out(text, source.left_out);
  for (const SourcePart& part : source.parts) {
    put(text, static_cast<std::int64_t>(part.split));
    for (const std::string& item : {part.folder.string(), part.name, part.class_name}) put(text, item);
    put(text, part.begin);
    put(text, part.end);
  }
  return text;
}

Source source_from_text(std::string_view text) {
  Source source;
  for (auto& [split, name] : source.split_names) name = take_text(text);
  source.left_out = take_left_out(text);
  while (!text.empty()) {
    SourcePart& part = source.parts.emplace_back();
    part.split = static_cast<Split>(take_number(text));
    part.folder = take_text(text);
    part.name = take_text(text);
    part.class_name = take_text(text);
    part.begin = take_number(text);
    part.end = take_number(text);
  }
  return source;
}

std::string to_text(const Listing& listing) {
  std::string text;
  put(text, std::ssize(listing.classes));
  for (const std::string& name : listing.classes) put(text, name);
  put_left_out(text, listing.left_out);
  for (const SourceFile& file : listing.files) {
    for (const std::int64_t number : {file.label, file.bytes, file.modified_ns, file.part, file.offset}) {
      put(text, number);
    }
    put(text, file.name);
  }
  return text;
}

Listing listing_from_text(std::string_view text) {
  Listing listing;
  std::vector<std::string> classes(take_number(text));
  for (std::string& name : classes) name = take_text(text);
  listing.left_out = take_left_out(text);
  while (!text.empty()) {
    SourceFile file;
    const std::int64_t label = take_number(text);
    file.bytes = take_number(text);
    file.modified_ns = take_number(text);
    file.part = take_number(text);
    file.offset = take_number(text);
    file.name = take_text(text);
    listing.add(classes[label], std::move(file));
  }
  return listing;
}

}  // namespace incubate
