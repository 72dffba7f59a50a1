// Replaces all CUDA files of this folder if INCUBATE_CUDA=OFF. Every device is the CPU then, because require_gpu()
// refuses GPUs.

#include <torch/torch.h>

#include "base/process.h"
#include "gpu/cuda_answer.h"
#include "gpu/device_memory.h"
#include "gpu/exact_sums.h"
#include "gpu/recorded_pass.h"

namespace incubate {
namespace {

[[noreturn]] void refuse() { TORCH_INTERNAL_ASSERT(false, "a GPU's function in a build without CUDA"); }

}  // namespace

CudaAnswer ask_cuda() { return {}; }

std::int64_t memory_peak_bytes(torch::Device /*device*/) { return resident_set_peak_bytes(); }
void release_cached_memory(torch::Device /*device*/) {}
void forget_memory_peak(torch::Device /*device*/) {}
std::pmr::memory_resource* batch_memory(torch::Device /*device*/) { return std::pmr::get_default_resource(); }

RecordedPass::RecordedPass(Pass /*pass*/) { refuse(); }
RecordedPass::Tensors RecordedPass::operator()(const Tensors& /*inputs*/) { refuse(); }

namespace gpu {

void add_gradients(std::span<const float> /*gradients*/, bool /*is_first*/, std::int64_t* /*gradient_sums*/,
                   std::int32_t* /*is_out_of_range*/) {
  refuse();
}
void add_loss(const float* /*loss*/, const LossSums& /*sums*/) { refuse(); }
void exact_mean(const std::int64_t* /*sums*/, std::int64_t /*size*/, const double* /*divisor*/, float* /*mean*/) {
  refuse();
}

}  // namespace gpu
}  // namespace incubate
