#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "config/pack_config.h"
#include "pack/pack_shard.h"
#include "pack/shard_plan.h"
#include "pack/source.h"
#include "parallel/communicator.h"
#include "vision/image_set.h"

namespace incubate {

/// A shard to make.
struct ShardPlan {
  Split split = Split::train;
  std::int64_t index = 0;
  std::span<const SourceFile> files;
  std::string digest;

  std::int64_t num_bytes() const {
    std::int64_t sum = 0;
    for (const SourceFile& file : files) sum += file.bytes;
    return sum;
  }
};

/// Sources and output files of a packing: the same on every rank.
struct PackJob {
  PackConfig config;
  EncodingOptions encoding;
  Source source;
  std::vector<std::string> classes;                ///< as the source names them, by label
  std::vector<std::string> class_names;            ///< as the set names them
  std::map<Split, std::vector<SourceFile>> files;  ///< in packing order
  std::vector<ShardPlan> shards;

  PackJob() = default;
  PackJob(PackJob&&) = default;  // not copyable: the shards refer to `files`
  PackJob& operator=(PackJob&&) = delete;

  FilePath index() const { return config.output; }
  FilePath path_of(const ShardPlan& shard) const {
    return index().parent_path() / shard_name(index(), shard.split, shard.index);
  }
  /// Returns some of a split's files as the source of a shard.
  ShardSource source_of(Split split, std::span<const SourceFile> some) const;
  std::int64_t num_classes() const { return std::ssize(classes); }
};

/// Lists the source, its parts by ranks in turn, and plans the shards: the same for any number of ranks. Collective.
/// Throws AgreedInputError on bad input.
PackJob plan_packing(const PackConfig& config, const Communicator& world, Log& log);

}  // namespace incubate
