#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

namespace incubate {

/// A file copied to the node's storage or shared memory, so that each node reads it once from the cluster's file
/// system. Copies stay after the job ends, for its next start.
struct CachedFile {
  std::filesystem::path source;
  std::uintmax_t bytes = 0;
};

/// Returns the path of the copy of `file` in `directory`.
std::filesystem::path cached_path(const std::filesystem::path& directory, const CachedFile& file);

/// Creates `directory` and checks that the missing files fit; throws InputError if not. Call it on one rank per node.
void prepare_cache(const std::filesystem::path& directory, const std::vector<CachedFile>& files);

/// Copies the files of `rank` among the node's `num_ranks`. A copy is complete or absent; copies of the right size
/// stay. Calls `on_copied` with the bytes of each piece. Throws std::runtime_error on failure.
void fill_cache(const std::filesystem::path& directory, const std::vector<CachedFile>& files, std::int64_t rank,
                std::int64_t num_ranks, const std::function<void(std::uintmax_t bytes)>& on_copied);

}  // namespace incubate
