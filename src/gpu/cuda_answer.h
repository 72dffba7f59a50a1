#pragma once

#include <string>
#include <vector>

namespace incubate {

/// The answers of the CUDA runtime on a rank.
struct CudaAnswer {
  std::vector<std::string> gpus = {};  ///< PCI addresses, in CUDA's order
  std::string error = {};              ///< why there are none; empty: CUDA finds none
  int driver_version = 0;              ///< the newest CUDA that the driver knows, such as 12020; 0: no driver
  int runtime_version = 0;             ///< of this program; 0: it was built without CUDA
};

CudaAnswer ask_cuda();

}  // namespace incubate
