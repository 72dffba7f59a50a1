#include "pack/image_table.h"

#include <algorithm>
#include <sstream>

#include "base/check.h"
#include "base/clean_text.h"
#include "base/input_file.h"
#include "config/setting.h"

namespace incubate {
namespace {

constexpr std::int64_t kMostParts = 16;  // each reads the whole table
constexpr std::int64_t kPartBytes = 1 << 20;

/// The columns that a row has its values in.
struct Columns {
  std::size_t path = 0, label = 1, number = 2;
};

/// Returns whether `row` is a header; then sets `columns`.
bool read_header(const std::vector<std::string>& row, Columns& columns) {
  const auto path = std::ranges::find(row, "path"), label = std::ranges::find(row, "label");
  if (path == row.end() || label == row.end()) return false;
  columns = {.path = std::size_t(path - row.begin()), .label = std::size_t(label - row.begin()), .number = row.size()};
  return true;
}

}  // namespace

Source open_image_tables(const PackConfig& config) {
  Source source;
  for (SourcePart part : list_files(config)) {
    part.end = std::clamp<std::int64_t>(part.end / kPartBytes, 1, kMostParts);
    for (part.begin = 0; part.begin < part.end; ++part.begin) source.parts.push_back(part);
  }
  return source;
}

Listing list_image_table(const SourcePart& part) {
  const std::string table = part.path().string();
  std::istringstream lines(clean_text(read_input_file(part.path()), table));
  Listing listing;
  Columns columns;
  std::int64_t line_number = 0, num_rows = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::string place = fmt::format("{} line {}", table, ++line_number);
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    if (num_rows > 0 && line_number % part.end != part.begin) continue;
    std::vector<std::string> row;
    from_text(place, line, row);
    if (num_rows++ == 0 && read_header(row, columns)) continue;
    if (line_number % part.end != part.begin) continue;
    check_input(
        row.size() == columns.number && !row[columns.path].empty() && !row[columns.label].empty(),
        "{}: '{}' is no row of {} values, a path and a label among them. Mend it; a value with a comma stands in "
        "double quotes.",
        place, line, columns.number);
    const std::string name = std::filesystem::path(row[columns.path]).lexically_normal().string();
    try {
      const FileState found = look_at(part.folder / name);
      check_input(found.is_file, "{} is no file. Name an image.", name);
      listing.add(row[columns.label], {.name = name, .bytes = found.bytes, .modified_ns = found.modified_ns});
    } catch (const InputError& error) {
      throw InputError(fmt::format("{}: {}", place, error.what()));
    }
  }
  return listing;
}

}  // namespace incubate
