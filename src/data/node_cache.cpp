#include "data/node_cache.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "base/check.h"
#include "hdf5/atomic_file.h"

namespace incubate {
namespace {

bool is_complete(const std::filesystem::path& copy, const CachedFile& file) {
  std::error_code error;
  return std::filesystem::file_size(copy, error) == file.bytes && !error;
}

void copy_file(const CachedFile& file, const std::filesystem::path& copy,
               const std::function<void(std::uintmax_t bytes)>& on_copied) {
  constexpr std::size_t kPiece = std::size_t{16} << 20;
  std::ifstream in(file.source, std::ios::binary);
  std::ofstream out(copy, std::ios::binary);
  std::vector<char> piece(kPiece);
  std::uintmax_t copied = 0;
  while (in && out) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    out.write(piece.data(), in.gcount());
    copied += in.gcount();
    on_copied(in.gcount());
  }
  out.close();
  const int reason = in.eof() && out ? 0 : errno;
  check_running(in.eof() && out && copied == file.bytes, "{} cannot be copied to {}: {} of {} bytes came through{}.",
                file.source.string(), copy.string(), copied, file.bytes,
                reason == 0 ? "" : fmt::format(" ({})", std::strerror(reason)));
}

}  // namespace

std::filesystem::path cached_path(const std::filesystem::path& directory, const CachedFile& file) {
  return directory / file.source.filename();
}

void prepare_cache(const std::filesystem::path& directory, const std::vector<CachedFile>& files) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  check_input(!error, "data.cache_directory: {} cannot be made: {}. Choose another place.", directory.string(),
              error.message());
  remove_stale_drafts(directory);  // frees space
  std::uintmax_t missing = 0;
  for (const CachedFile& file : files) {
    if (!is_complete(cached_path(directory, file), file)) missing += file.bytes;
  }
  const std::uintmax_t free = std::filesystem::space(directory, error).available;
  check_input(!error, "data.cache_directory: the space in {} is not to be found out: {}. Choose another place.",
              directory.string(), error.message());
  constexpr double kGigabyte = 1e9;
  check_input(
      missing <= free,
      "data.cache=node needs {:.2f} GB in {}, where {:.2f} GB are free. Choose another data.cache_directory, or "
      "data.cache=none.",
      static_cast<double>(missing) / kGigabyte, directory.string(), static_cast<double>(free) / kGigabyte);
}

void fill_cache(const std::filesystem::path& directory, const std::vector<CachedFile>& files, std::int64_t rank,
                std::int64_t num_ranks, const std::function<void(std::uintmax_t bytes)>& on_copied) {
  for (std::size_t i = rank; i < files.size(); i += num_ranks) {
    const std::filesystem::path copy = cached_path(directory, files[i]);
    if (is_complete(copy, files[i])) continue;
    replace_atomically(copy, [&](const FilePath& draft) { copy_file(files[i], draft, on_copied); });
  }
}

}  // namespace incubate
