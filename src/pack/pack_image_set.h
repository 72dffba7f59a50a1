#pragma once

#include "base/log.h"
#include "config/pack_config.h"
#include "hdf5/atomic_file.h"
#include "parallel/communicator.h"

namespace incubate {

/// Packs image files, from folders, archives or a table, into shards and their index; ranks make shards in turn. The
/// files are the same for any number of ranks. Intact shards made of the same files stay. Collective. Throws
/// AgreedInputError on bad input.
void pack_image_set(const PackConfig& config, Communicator& world, Log& log);

/// Checks the index, every shard and every image (`incubate pack --verify`); ranks check shards in turn. Collective.
/// Throws AgreedInputError if anything is damaged, after printing all damage.
void verify_image_set(const FilePath& index, Communicator& world, Log& log);

}  // namespace incubate
