#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

namespace incubate {

/// Copies of files on storage of the node, or in its shared memory: read from the file system of the cluster once a
/// node, and from there ever after. They stay when the job ends, for its next start.
struct CachedFile {
  std::filesystem::path source;
  std::uintmax_t bytes = 0;
};

/// Where the copy of `file` is in `directory`.
std::filesystem::path cached_path(const std::filesystem::path& directory, const CachedFile& file);

/// Makes `directory` and looks whether what is missing in it fits. For one rank a node. Throws InputError if not.
void prepare_cache(const std::filesystem::path& directory, const std::vector<CachedFile>& files);

/// Copies the share of the files that falls to `rank` of the node's `num_ranks`. A copy is complete or absent; one that
/// is there with the right size is kept. `on_copied` is told of every few bytes. Throws std::runtime_error on failure.
void fill_cache(const std::filesystem::path& directory, const std::vector<CachedFile>& files, std::int64_t rank,
                std::int64_t num_ranks, const std::function<void(std::uintmax_t bytes)>& on_copied);

}  // namespace incubate
