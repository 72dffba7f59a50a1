#include "vision/image_shard.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/ranges.h>
#include <xxhash.h>

#include "base/check.h"
#include "vision/filetype.h"
#include "vision/labelled_images.h"

namespace incubate {
namespace {

void check_sides(const std::vector<std::int32_t>& sides, const char* what, const std::string& origin) {
  for (std::size_t i = 0; i < sides.size(); ++i) {
    check_input(sides[i] >= 1 && sides[i] <= kLongestSide,
                "{}: the {} of image {}, {}, is not in 1..{}. Make or copy it again.", origin, what, i, sides[i],
                kLongestSide);
  }
}

void write_problems(Hdf5File& file, const std::vector<PackProblem>& problems) {
  std::vector<std::string> kinds;
  std::vector<std::string> files;
  std::vector<std::string> reasons;
  for (const PackProblem& problem : problems) {
    kinds.emplace_back(to_string(problem.kind));
    files.push_back(problem.file);
    reasons.push_back(problem.reason);
  }
  file.write_strings("/problems/kinds", kinds);
  file.write_strings("/problems/files", files);
  file.write_strings("/problems/reasons", reasons);
}

PackProblem::Kind read_kind(const std::string& text, const std::string& origin) {
  const auto* const kind = std::ranges::find(kPackProblemKinds, text, [](PackProblem::Kind k) { return to_string(k); });
  check_input(kind != kPackProblemKinds.end(), "{}: '{}' is no kind of problem. Make or copy it again.", origin, text);
  return *kind;
}

std::vector<PackProblem> read_problems(const Hdf5File& file, const std::string& origin) {
  if (!file.contains("/problems/kinds")) return {};
  const std::vector<std::string> kinds = file.read_strings("/problems/kinds");
  const std::vector<std::string> files = file.read_strings("/problems/files");
  const std::vector<std::string> reasons = file.read_strings("/problems/reasons");
  check_input(files.size() == kinds.size() && reasons.size() == kinds.size(),
              "{}: {} files and {} reasons for {} problems. Make or copy it again.", origin, files.size(),
              reasons.size(), kinds.size());
  std::vector<PackProblem> problems;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    problems.push_back({.kind = read_kind(kinds[i], origin), .file = files[i], .reason = reasons[i]});
  }
  return problems;
}

/// Splits n+1 offsets (the last is the end of the last image) into the table's n offsets and lengths.
void split_offsets(const std::vector<std::uint64_t>& offsets, ImageTable& table, const std::string& origin) {
  check_input(offsets.size() == table.size() + 1, "{}: {} offsets for {} labels, not one more. Make or copy it again.",
              origin, offsets.size(), table.size());
  check_input(offsets.front() == 0, "{}: the first image begins at byte {}, not 0. Make or copy it again.", origin,
              offsets.front());
  for (std::size_t i = 0; i < table.size(); ++i) {
    check_input(offsets[i] < offsets[i + 1], "{}: image {} begins at byte {} and ends at {}. Make or copy it again.",
                origin, i, offsets[i], offsets[i + 1]);
    table.offsets.push_back(offsets[i]);
    table.lengths.push_back(offsets[i + 1] - offsets[i]);
  }
}

/// Returns the sums of the images' pixels, which shards of older programs lack.
PixelSums read_sums(const Hdf5File& file, const ImageTable& table, const std::string& origin) {
  PixelSums sums;
  if (!file.contains("/value_sums")) return sums;
  sums.values = file.read<std::uint64_t>("/value_sums");
  const std::vector<std::uint64_t> squares = file.read<std::uint64_t>("/square_sums");
  check_input(sums.values.size() == 3 && squares.size() == 3,
              "{}: {} sums of values and {} of squares for 3 channels. Make or copy it again.", origin,
              sums.values.size(), squares.size());
  sums.squares.assign(squares.begin(), squares.end());
  for (std::size_t i = 0; i < table.size(); ++i) sums.num_pixels += std::int64_t{table.heights[i]} * table.widths[i];
  return sums;
}

Split read_shard_split(const Hdf5File& file, const std::string& origin) {
  const std::string text = file.read_string_attribute("split");
  for (const Split split : kSplits) {
    if (text == to_string(split)) return split;
  }
  throw InputError(
      fmt::format("{}: the split '{}' is neither train nor validation. Make or copy it again.", origin, text));
}

}  // namespace

void ImageTable::append(const ImageTable& more) {
  for_each_column(
      [](const char*, auto& column, const auto& added) { column.insert(column.end(), added.begin(), added.end()); },
      *this, more);
}

ImageTable ImageTable::part(std::size_t begin, std::size_t end) const {
  ImageTable part;
  for_each_column(
      [&](const char*, auto& column, const auto& all) {
        column.assign(all.begin() + static_cast<std::ptrdiff_t>(begin), all.begin() + static_cast<std::ptrdiff_t>(end));
      },
      part, *this);
  return part;
}

std::uint64_t image_checksum(std::span<const std::uint8_t> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

void check_table(const ImageTable& table, std::int64_t num_classes, const std::string& origin) {
  ImageTable::for_each_column(
      [&](const char* name, const auto& column) {
        check_input(column.size() == table.size(), "{}: {} {} for {} labels. Make or copy it again.", origin,
                    column.size(), name, table.size());
      },
      table);
  check_labels(table.labels, num_classes, origin);
  check_sides(table.heights, "height", origin);
  check_sides(table.widths, "width", origin);
}

void check_places(const ImageTable& table, std::size_t begin, std::size_t end, std::uint64_t num_bytes,
                  const std::string& origin) {
  std::uint64_t end_of_last = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const std::uint64_t offset = table.offsets[i];
    const std::uint64_t length = table.lengths[i];
    check_input(length > 0, "{}: image {} has no bytes. Make or copy it again.", origin, i);
    check_input(offset >= end_of_last,
                "{}: image {} begins at byte {}, before the end of the one before, {}. "
                "Make or copy it again.",
                origin, i, offset, end_of_last);
    check_input(offset <= num_bytes && length <= num_bytes - offset,
                "{}: image {} has {} bytes from byte {} on, but there are {}. Make or copy it again.", origin, i,
                length, offset, num_bytes);
    end_of_last = offset + length;
  }
}

const char* to_string(PackProblem::Kind kind) {
  switch (kind) {
    case PackProblem::Kind::misnamed:
      return "misnamed";
    case PackProblem::Kind::converted:
      return "converted";
    case PackProblem::Kind::left_out:
      break;
  }
  return "left out";
}

void write_shard(const FilePath& path, const ImageShard& shard, std::span<const std::uint8_t> bytes) {
  write_verified_file(path, [&](Hdf5File& file) {
    file.write_attribute("filetype", kShardFiletype);
    file.write_attribute("version", shard.has_png ? kShardVersion : 1);
    file.write_attribute("split", std::string(to_string(shard.split)));
    file.write_attribute("shard", shard.index);
    file.write_attribute("source_digest", shard.source_digest);
    file.write_strings("/class_names", shard.class_names);
    ImageTable table = shard.table;
    table.offsets.push_back(bytes.size());  // instead of lengths
    ImageTable::for_each_column(
        [&](const std::string& name, const auto& column) {
          if (name != "lengths") file.write("/" + name, column);
        },
        table);
    if (!shard.sums.values.empty()) {
      file.write("/value_sums", shard.sums.values);
      file.write("/square_sums", std::vector<std::uint64_t>(shard.sums.squares.begin(), shard.sums.squares.end()));
    }
    file.write_strings("/files", shard.files);
    if (!shard.problems.empty()) write_problems(file, shard.problems);
    file.write<std::uint8_t>("/bytes", bytes, {bytes.size()});
  });
}

ShardFile read_shard(const FilePath& path) {
  return read_intact_file(path, [&](const Hdf5File& file) {
    const std::string name = path.string();
    ImageShard shard;
    shard.has_png = check_filetype(file, name, kShardFiletype, kShardVersion) > 1;
    shard.split = read_shard_split(file, name);
    shard.index = file.read_int_attribute("shard");
    shard.source_digest = file.read_string_attribute("source_digest");
    shard.class_names = file.read_strings("/class_names");
    shard.files = file.read_strings("/files");
    shard.problems = read_problems(file, name);
    ImageTable& table = shard.table;
    ImageTable::for_each_column(
        [&]<typename T>(const std::string& column_name, std::vector<T>& column) {
          if (column_name != "lengths") column = file.read<T>("/" + column_name);
        },
        table);
    const std::vector<std::uint64_t> offsets = std::exchange(table.offsets, {});
    split_offsets(offsets, table, name);
    check_table(table, static_cast<std::int64_t>(shard.class_names.size()), name);
    check_input(shard.files.size() == table.size(), "{}: {} files for {} labels. Make or copy it again.", name,
                shard.files.size(), table.size());
    shard.sums = read_sums(file, table, name);
    const std::vector<hsize_t> shape = file.shape("/bytes");
    check_input(shape.size() == 1 && shape[0] == offsets.back(),
                "{}: the images end at byte {} but there are {}. Make or copy it again.", name, offsets.back(),
                fmt::join(shape, "x"));
    const std::uint64_t first_byte = table.size() == 0 ? 0 : file.first_byte("/bytes");
    return ShardFile{.shard = std::move(shard), .first_byte = first_byte, .length = std::filesystem::file_size(path)};
  });
}

}  // namespace incubate
