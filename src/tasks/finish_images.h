#pragma once

#include <torch/types.h>

#include "vision/image_batch.h"

namespace incubate {

/// Returns `values` on `device`, which copies them from page-locked memory by itself.
template <typename T>
torch::Tensor upload(std::pmr::vector<T>& values, torch::IntArrayRef shape, torch::Device device) {
  return torch::from_blob(values.data(), shape, torch::CppTypeToScalarType<T>::value).to(device, /*non_blocking=*/true);
}

/// Returns the network's input (size, channels, height, width), float: the images normalised, erased and blended on
/// `device`, with the same bits on any. Does not wait for a GPU.
torch::Tensor finish_images(ImageBatch& batch, torch::Device device);

}  // namespace incubate
