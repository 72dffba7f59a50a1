#pragma once

#include "base/log.h"
#include "config/pack_config.h"
#include "hdf5/atomic_file.h"
#include "parallel/communicator.h"

namespace incubate {

/// `incubate pack --format folder`: an ImageFolder tree to shards and their index; ranks take shards in turn. The files
/// are the same for any number of ranks. Shards that are there, whole, and made of just these files are kept.
/// Collective. Bad input throws AgreedInputError.
void pack_folder(const PackConfig& config, Communicator& world, Log& log);

/// `incubate pack --verify`: checks the index, every shard and every image, shards in turn by rank. Collective. Throws
/// AgreedInputError if anything is damaged, after all damage has been printed.
void verify_image_set(const FilePath& index, Communicator& world, Log& log);

}  // namespace incubate
