#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pack/source.h"

namespace incubate {

/// Returns a split's files in packing order: pseudo-random, so that neighbours have mixed classes, and always the same
/// for the same sorted `files`.
std::vector<SourceFile> order_files(const std::vector<SourceFile>& files, Split split);

/// Cuts items of the given weights, in order, into parts; each part ends with the item that brings it to `target`.
/// Returns the begin of each part, then the number of items.
std::vector<std::size_t> cut_into_parts(std::span<const std::int64_t> weights, std::int64_t target);

/// Cuts a split's files into equal shards of about `shard_bytes`: by file sizes if `mean_bytes` is 0, else by the
/// number of files, counting `mean_bytes` for each. Returns as cut_into_parts() does.
std::vector<std::size_t> cut_into_shards(const std::vector<SourceFile>& files, std::int64_t shard_bytes,
                                         std::int64_t mean_bytes);

/// Returns a hash of a shard's sources: `options` (everything else that its content depends on) and the files' names,
/// labels, sizes and modification times.
std::string source_digest(const std::string& options, std::span<const SourceFile> files);

}  // namespace incubate
