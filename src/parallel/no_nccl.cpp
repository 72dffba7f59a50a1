// In place of nccl_communicator where INCUBATE_CUDA=OFF.

#include <c10/util/Exception.h>

#include "parallel/gpu_collectives.h"

namespace incubate {

std::unique_ptr<GpuCollectives> make_gpu_collectives(const Communicator& /*communicator*/) {
  TORCH_INTERNAL_ASSERT(false, "collectives of GPUs in a build without CUDA");
}

std::string gpu_library_versions() { return "no CUDA"; }

}  // namespace incubate
