#pragma once

#include "data/dataset_info.h"
#include "hdf5/atomic_file.h"
#include "parallel/communicator.h"
#include "vision/dataset.h"

namespace incubate {

/// Gives every rank the leader's `data`. Collective over `world`.
void share_dataset_info(DatasetInfo& data, const Communicator& world);

/// Throws AgreedInputError, naming the host, unless every rank sees data.file `file` with the checksum `digest`. Of
/// several files the first rank that sees one verifies it; rank 0 has verified its own. Collective over `world`.
void compare_data(const FilePath& file, const std::string& digest, const Communicator& world);

/// Returns what data.file `file` says of its images, which every rank then sees as rank 0 does. Throws AgreedInputError
/// otherwise (see check_dataset(), compare_data()). Collective over `world`.
DatasetInfo check_data_on_all(const FilePath& file, const Communicator& world);

/// Opens a split on every rank (see open_dataset()). Throws AgreedInputError. Collective over `world`.
std::unique_ptr<const Dataset> open_on_all(const FilePath& file, Split split, const Communicator& world,
                                           const FilePath& shards = {});

}  // namespace incubate
