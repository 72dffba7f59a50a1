#include "vision/image_table.h"

#include <xxhash.h>

#include "base/check.h"
#include "vision/labelled_images.h"

namespace incubate {
namespace {

template <typename T>
void append_column(std::vector<T>& column, const std::vector<T>& more) {
  column.insert(column.end(), more.begin(), more.end());
}

template <typename T>
std::vector<T> cut_column(const std::vector<T>& column, std::size_t begin, std::size_t end) {
  return {column.begin() + static_cast<std::ptrdiff_t>(begin), column.begin() + static_cast<std::ptrdiff_t>(end)};
}

void check_sides(const std::vector<std::int32_t>& sides, const char* what, const std::string& origin) {
  for (std::size_t i = 0; i < sides.size(); ++i) {
    check_input(sides[i] >= 1 && sides[i] <= kLongestSide,
                "{}: the {} of image {}, {}, is not in 1..{}. Make or copy it again.", origin, what, i, sides[i],
                kLongestSide);
  }
}

}  // namespace

void ImageTable::append(const ImageTable& more) {
  append_column(offsets, more.offsets);
  append_column(lengths, more.lengths);
  append_column(labels, more.labels);
  append_column(heights, more.heights);
  append_column(widths, more.widths);
  append_column(checksums, more.checksums);
}

ImageTable ImageTable::part(std::size_t begin, std::size_t end) const {
  return {.offsets = cut_column(offsets, begin, end),
          .lengths = cut_column(lengths, begin, end),
          .labels = cut_column(labels, begin, end),
          .heights = cut_column(heights, begin, end),
          .widths = cut_column(widths, begin, end),
          .checksums = cut_column(checksums, begin, end)};
}

std::uint64_t image_checksum(std::span<const std::uint8_t> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

void check_table(const ImageTable& table, std::int64_t num_classes, const std::string& origin) {
  const auto check_length = [&](std::size_t length, const char* what) {
    check_input(length == table.size(), "{}: {} {} for {} labels. Make or copy it again.", origin, length, what,
                table.size());
  };
  check_length(table.offsets.size(), "offsets");
  check_length(table.lengths.size(), "lengths");
  check_length(table.heights.size(), "heights");
  check_length(table.widths.size(), "widths");
  check_length(table.checksums.size(), "checksums");
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

}  // namespace incubate
