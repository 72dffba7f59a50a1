#include "pack/tar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "base/check.h"
#include "base/input_file.h"
#include "pack/source.h"

namespace incubate {
namespace {

constexpr std::int64_t kBlock = 512;
constexpr std::int64_t kMostText = 1 << 20;  // of a header that holds another member's name
constexpr std::size_t kChecksum = 148, kType = 156, kMagic = 257, kPrefix = 345;

struct Compression {
  std::string_view begin, name, remedy;
};
constexpr std::array<Compression, 6> kCompressions = {{{"\x1f\x8b", "gzip", "gunzip"},
                                                       {"BZh91AY", "bzip2", "bunzip2"},
                                                       {"\xFD\x37zXZ", "xz", "unxz"},
                                                       {"\x28\xb5\x2f\xfd", "zstd", "unzstd"},
                                                       {"PK\3\4", "zip", "unzip"},
                                                       {"Rar!", "rar", "unrar"}}};

/// Returns a header's text, which ends at a zero or with its field.
std::string text_of(const std::string& block, std::size_t begin, std::size_t size) {
  return block.substr(begin, std::min(size, block.find('\0', begin) - begin));
}

/// Returns a header's number, in octal digits or in binary (GNU); -1 if there is none.
std::int64_t number_of(const std::string& block, std::size_t begin, std::size_t size) {
  std::int64_t number = 0;
  if ((block[begin] & 0x80) != 0) {
    for (std::size_t i = 1; i < size; ++i) {
      if (number >> 55 != 0) return -1;
      number = (number << 8) | static_cast<unsigned char>(block[begin + i]);
    }
    return number;
  }
  const std::string field = text_of(block, begin, size);
  const char* const digits = field.data() + std::min(field.find_first_not_of(' '), field.size());
  const auto [end, error] = std::from_chars(digits, field.data() + field.size(), number, 8);
  return error == std::errc{} ? number : -1;
}

/// Returns whether the checksum is that of the block, with its own field as spaces. Old programs added signed bytes.
bool is_checksum(const std::string& block, std::int64_t stated) {
  std::int64_t sum = 0, signed_sum = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const char c = i >= kChecksum && i < kChecksum + 8 ? ' ' : block[i];
    sum += static_cast<unsigned char>(c);
    signed_sum += static_cast<signed char>(c);
  }
  return stated == sum || stated == signed_sum;
}

/// Returns the value of a pax header's record ("LENGTH KEY=VALUE\n"), if it is there. A later record counts.
std::optional<std::string> find_record(std::string_view records, std::string_view key) {
  std::optional<std::string> found;
  while (!records.empty()) {
    std::size_t length = 0;
    const char* end = std::from_chars(records.data(), records.data() + records.size(), length).ptr;
    if (length > records.size() || length <= static_cast<std::size_t>(end - records.data()) + 1) return found;
    std::string_view record = records.substr(0, length - 1);
    record.remove_prefix(end - records.data() + 1);
    if (record.starts_with(key) && record.substr(key.size(), 1) == "=") found = record.substr(key.size() + 1);
    records.remove_prefix(length);
  }
  return found;
}

}  // namespace

bool TarMember::is_hidden() const {
  for (const std::filesystem::path& name : std::filesystem::path(path)) {
    if (incubate::is_hidden(name.native())) return true;
  }
  return false;
}

TarReader::TarReader(const std::filesystem::path& file, std::int64_t begin, std::int64_t end)
    : path_(file.string()), file_(open_input_file(file)), at_(begin), end_(end) {}

TarReader::TarReader(const std::filesystem::path& file) : TarReader(file, 0, 0) {
  file_.seekg(0, std::ios::end);
  end_ = file_.tellg();
  const std::string begin = read(0, std::min<std::int64_t>(end_, 8));
  for (const Compression& compression : kCompressions) {
    check_input(!begin.starts_with(compression.begin),
                "{} is compressed ({}): its images cannot be read one by one. Uncompress it first: {} {}", path_,
                compression.name, compression.remedy, path_);
  }
}

std::optional<TarMember> TarReader::next() {
  std::optional<std::string> long_path;
  std::int64_t long_size = -1;  // none
  while (at_ + kBlock <= end_) {
    header_ = at_;
    const std::int64_t content = at_ + kBlock;
    const std::string block = read(at_, kBlock);
    at_ = content;
    has_end_mark_ = std::ranges::count(block, '\0') == kBlock;
    if (has_end_mark_) continue;
    check_header(is_checksum(block, number_of(block, kChecksum, 8)), "has another checksum than it states");
    const char type = block[kType];
    const bool has_content = type < '1' || type > '6';  // links, devices and folders have none
    const std::int64_t bytes = !has_content ? 0 : long_size >= 0 ? long_size : number_of(block, 124, 12);
    check_header(bytes >= 0, "states no size");
    if (bytes > end_ - content) break;
    at_ = content + ((bytes + kBlock - 1) / kBlock * kBlock);
    if (type == 'x' || type == 'L') {  // of the next member
      check_header(bytes <= kMostText, "states a name of more than 1 MiB");
      const std::string text = read(content, bytes);
      const std::optional<std::string> path = type == 'L' ? text : find_record(text, "path");
      if (path) long_path = text_of(*path, 0, path->size());
      if (const auto size = find_record(text, "size"); type == 'x' && size) long_size = to_class_number(*size);
      continue;
    }
    if (type == 'K' || type == 'g' || type == 'V') continue;  // a link's target, defaults, a label
    std::string path = text_of(block, 0, 100);
    if (block.substr(kMagic, 6) == std::string("ustar\0", 6) && block[kPrefix] != '\0') {
      path = text_of(block, kPrefix, 155) + "/" + path;
    }
    path = long_path.value_or(path);
    long_path.reset();
    long_size = -1;
    if (type == '5' || path.ends_with('/')) continue;
    const std::filesystem::path plain = std::filesystem::path(path).lexically_normal();
    check_input(!path.empty() && plain.is_relative() && *plain.begin() != "..",
                "{} has the member '{}', whose path leaves the archive. Make the archive again, with paths below one "
                "folder.",
                path_, path);
    const bool is_file = type == '0' || type == '\0' || type == '7';
    return TarMember{.path = plain.string(), .is_file = is_file, .offset = content, .bytes = bytes};
  }
  check_input(
      has_end_mark_,
      "{} is cut short: it ends at byte {}, within a member or without the mark of an end. Get or copy it again.",
      path_, end_);
  return std::nullopt;
}

std::string TarReader::read(std::int64_t offset, std::int64_t bytes) {
  std::string text(bytes, '\0');
  file_.clear();
  file_.seekg(offset);
  file_.read(text.data(), bytes);
  check_input(file_.gcount() == bytes, "{} cannot be read at byte {}. Check the disk, or copy it again.", path_,
              offset);
  return text;
}

void TarReader::check_header(bool holds, const char* problem) const {
  check_input(
      holds,
      "{} is no tar archive, or damaged: the header at byte {} {}. Check that the file is the right one, or copy "
      "it again.",
      path_, header_, problem);
}

}  // namespace incubate
