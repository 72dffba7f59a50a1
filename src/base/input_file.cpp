#include "base/input_file.h"

#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/clean_text.h"

namespace incubate {
namespace {

void check_read(bool holds, const std::filesystem::path& path, int reason) {
  check_input(holds, "{} cannot be read: {}. Check the path.", path.string(), std::strerror(reason));
}

}  // namespace

std::ifstream open_input_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const int reason = errno;  // opening the stream leaves errno of open(2)
  check_read(file.is_open(), path, reason);
  std::error_code ignored;
  check_read(!std::filesystem::is_directory(path, ignored), path, EISDIR);  // a directory opens like a file
  return file;
}

std::string read_input_file(const std::filesystem::path& path) {
  std::ifstream file = open_input_file(path);
  std::string bytes;
  std::array<char, 1 << 16> piece{};
  while (file.read(piece.data(), piece.size()) || file.gcount() > 0) bytes.append(piece.data(), file.gcount());
  const int reason = errno;
  check_read(!file.bad(), path, reason);
  return bytes;
}

std::string read_text_file(const std::filesystem::path& path) {
  constexpr std::uintmax_t kMost = std::uintmax_t{1} << 26;
  std::error_code has_no_size;  // a pipe
  const std::uintmax_t size = std::filesystem::file_size(path, has_no_size);
  check_input(has_no_size || size <= kMost, "{} has {} bytes, too many for a text file ({} at most). Check the path.",
              path.string(), size, kMost);
  return clean_text(read_input_file(path), path.string());
}

}  // namespace incubate
