#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace incubate {

/// A member of a tar archive that is no folder.
struct TarMember {
  std::string path;         ///< relative, without "./" in front
  bool is_file = false;     ///< false: a link, a device, a sparse file, ...
  std::int64_t offset = 0;  ///< of its content in the file, > 0
  std::int64_t bytes = 0;

  std::string name() const { return path.substr(path.rfind('/') + 1); }
  /// Returns whether a name in the path is hidden.
  bool is_hidden() const;
};

/// Reads the headers of an uncompressed tar archive (POSIX ustar and pax, GNU). Archives that were appended to each
/// other are read as one. All functions throw InputError if the archive is damaged, ends early or cannot be read.
class TarReader {
 public:
  /// Opens the archive that is bytes begin .. end-1 of a file.
  TarReader(const std::filesystem::path& file, std::int64_t begin, std::int64_t end);
  /// Opens a file that is an archive. Throws InputError with the remedy if it is compressed.
  explicit TarReader(const std::filesystem::path& file);

  /// Returns the next member; nothing behind the last one. Skips folders, and all members' content. Throws InputError
  /// if a member's path leaves the archive.
  std::optional<TarMember> next();
  /// Returns `bytes` bytes of the file.
  std::string read(std::int64_t offset, std::int64_t bytes);
  std::int64_t size() const { return end_; }

 private:
  void check_header(bool holds, const char* problem) const;

  std::string path_;
  std::ifstream file_;
  std::int64_t header_ = 0;  // begin of the last header
  std::int64_t at_;
  std::int64_t end_;
  bool has_end_mark_ = false;
};

}  // namespace incubate
