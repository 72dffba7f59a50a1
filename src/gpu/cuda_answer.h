#pragma once

#include <string>
#include <vector>

namespace incubate {

/// The CUDA runtime's report on a rank.
struct CudaAnswer {
  std::vector<std::string> gpus = {};   ///< PCI addresses, in CUDA's order
  std::vector<std::string> names = {};  ///< of the same, such as "NVIDIA H200"
  std::string error = {};               ///< why there are none; empty: CUDA finds none
  int driver_version = 0;               ///< newest CUDA version that the driver supports, such as 12020; 0: no driver
  int runtime_version = 0;              ///< of this program; 0: built without CUDA
};

CudaAnswer ask_cuda();

}  // namespace incubate
