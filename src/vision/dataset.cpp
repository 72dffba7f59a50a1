#include "vision/dataset.h"

#include "hdf5/verified_file.h"
#include "vision/array_dataset.h"
#include "vision/encoded_dataset.h"
#include "vision/filetype.h"

namespace incubate {

const char* to_string(Split split) { return split == Split::train ? "train" : "validation"; }

DatasetInfo check_dataset(const std::filesystem::path& path) {
  verify_file(path);
  return is_image_set(path) ? check_encoded_dataset(path) : check_array_dataset(path);
}

std::unique_ptr<const Dataset> open_dataset(const std::filesystem::path& path, Split split,
                                            const std::filesystem::path& shards) {
  if (!is_image_set(path)) return std::make_unique<ArrayDataset>(path, split);
  return std::make_unique<EncodedDataset>(path, split, shards);
}

}  // namespace incubate
