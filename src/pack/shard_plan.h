#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "pack/image_folder.h"

namespace incubate {

/// The files of a split in the order in which they are packed: as good as random, so that neighbours are of mixed
/// classes, and always the same for the same sorted `files`.
std::vector<SourceFile> order_files(const std::vector<SourceFile>& files, Split split);

/// Cuts things of the given weights, in their order, into parts: each ends with the thing that brings it to `target`.
/// Returns where each part begins, and the number of things at the end.
std::vector<std::size_t> cut_into_parts(std::span<const std::int64_t> weights, std::int64_t target);

/// Cuts a split's files into shards of about `shard_bytes`, equally large: by their sizes if `mean_bytes` is 0, else by
/// their number, each taken to have that many bytes when it is packed.
std::vector<std::size_t> cut_into_shards(const std::vector<SourceFile>& files, std::int64_t shard_bytes,
                                         std::int64_t mean_bytes);

/// Names what a shard is made from: `options` (all that its content depends on besides), and the files' names, labels,
/// sizes and times of change.
std::string source_digest(const std::string& options, std::span<const SourceFile> files);

}  // namespace incubate
