#include "pack/npy.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "base/input_file.h"

namespace incubate {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMostHeaderBytes = 1 << 20;

/// Reads the text of a header, a Python dictionary: {'descr': '<u2', 'fortran_order': False, 'shape': (60000, 28, 28),
/// }
class NpyHeader {
 public:
  NpyHeader(std::string_view text, SourceArray& array) : rest_(text), array_(array) {
    take('{');
    while (!is_next('}')) {
      const std::string key = take_string();
      take(':');
      if (key == "descr") {
        array_.type = is_next('[') ? "a structure" : take_string();
      } else if (key == "fortran_order") {
        array_.is_fortran = is_next('T');
        take_word(array_.is_fortran ? "True" : "False");
      } else if (key == "shape") {
        take_shape();
      } else {
        fail();
      }
      if (array_.type == "a structure") return;  // of a type that is refused anyway
      ++num_keys_;
      if (!is_next('}')) take(',');
    }
    if (num_keys_ != 3) fail();
  }

 private:
  [[noreturn]] void fail() const {
    throw InputError(fmt::format(
        "{} has no header that this program reads. Write the file by numpy.save(), or copy it again.", array_.name));
  }
  void skip_spaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n"), rest_.size())); }
  bool is_next(char wanted) {
    skip_spaces();
    return rest_.starts_with(wanted);
  }
  void take_word(std::string_view word) {
    skip_spaces();
    if (!rest_.starts_with(word)) fail();
    rest_.remove_prefix(word.size());
  }
  void take(char wanted) { take_word({&wanted, 1}); }
  std::string take_string() {
    const char quote = is_next('"') ? '"' : '\'';
    take(quote);
    const std::size_t end = rest_.find(quote);
    if (end == std::string_view::npos) fail();
    std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return text;
  }
  void take_shape() {
    take('(');
    array_.shape.clear();
    while (!is_next(')')) {
      std::int64_t extent = -1;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), extent);
      if (error != std::errc{} || extent < 0) fail();
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      array_.shape.push_back(extent);
      if (!is_next(')')) take(',');
    }
    take(')');
  }

  std::string_view rest_;
  SourceArray& array_;
  int num_keys_ = 0;
};

/// Returns an unsigned little-endian number.
std::size_t little_endian(std::string_view bytes) {
  std::size_t number = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) number = (number << 8) | static_cast<std::uint8_t>(bytes[i]);
  return number;
}

std::string read_some(std::ifstream& file, std::size_t size, const std::string& name) {
  std::string bytes(size, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(size));
  check_input(!file.fail(), "{} is truncated: its header ends early. Get or copy it again.", name);
  return bytes;
}

}  // namespace

std::int64_t SourceArray::num_values() const {
  std::int64_t product = 1;
  for (const std::int64_t extent : shape) {
    check_input(!__builtin_mul_overflow(product, std::max<std::int64_t>(extent, 1), &product),
                "{} states an impossible extent of {}. Get it again.", name, extent);
  }
  return std::ranges::count(shape, 0) > 0 ? 0 : product;
}

std::int64_t SourceArray::value_bytes() const {
  const auto is_one_of = [](char letter, std::string_view some) { return some.find(letter) != std::string_view::npos; };
  if (type.size() != 3 || !is_one_of(type[0], "|<>") || !is_one_of(type[1], "iuf")) return 0;
  return is_one_of(type[2], "1248") ? type[2] - '0' : 0;
}

SourceArray read_npy(const std::filesystem::path& path) {
  SourceArray array;
  array.name = path.string();
  std::ifstream file = open_input_file(path);
  const std::string begin = read_some(file, kMagic.size() + 2, array.name);
  check_input(
      begin.starts_with(kMagic),
      "{} is no NPY file (these begin with \\x93NUMPY). Write it by numpy.save(); an .npz file is an archive of "
      "such files (unzip).",
      array.name);
  const int version = static_cast<std::uint8_t>(begin[kMagic.size()]);
  check_input(version >= 1 && version <= 3 && begin.back() == 0,
              "{} has version {}.{} of the NPY format; this program reads 1.0, 2.0 and 3.0. Write it anew by "
              "numpy.save().",
              array.name, version, static_cast<std::uint8_t>(begin.back()));
  const std::size_t header_bytes = little_endian(read_some(file, version == 1 ? 2 : 4, array.name));
  check_input(header_bytes <= kMostHeaderBytes,
              "{} states a header of {} bytes; an array's has some 100. Get it again.", array.name, header_bytes);
  NpyHeader(read_some(file, header_bytes, array.name), array);

  const std::int64_t first_byte = file.tellg();
  file.seekg(0, std::ios::end);
  const std::int64_t num_bytes = std::int64_t{file.tellg()} - first_byte, value_bytes = array.value_bytes();
  if (value_bytes == 0) return array;
  std::int64_t stated = 0;
  check_input(!__builtin_mul_overflow(array.num_values(), value_bytes, &stated) && num_bytes >= stated,
              "{} is truncated: it has {} bytes of data, its header states {} values of {}. Get or copy it again.",
              array.name, num_bytes, array.num_values(), value_bytes);
  check_input(num_bytes == stated, "{} is longer than the {} bytes of data its header states. Get or copy it again.",
              array.name, stated);
  array.bytes.resize(num_bytes);
  file.seekg(first_byte);
  file.read(reinterpret_cast<char*>(array.bytes.data()), num_bytes);
  check_input(!file.fail(), "{} cannot be read to its end. Get or copy it again.", array.name);
  return array;
}

}  // namespace incubate
