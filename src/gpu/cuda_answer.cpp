#include "gpu/cuda_answer.h"

#include <array>

#include <cuda_runtime_api.h>

namespace incubate {

CudaAnswer ask_cuda() {
  CudaAnswer answer;
  cudaDriverGetVersion(&answer.driver_version);
  cudaRuntimeGetVersion(&answer.runtime_version);
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess && status != cudaErrorNoDevice) answer.error = cudaGetErrorString(status);
  for (int i = 0; status == cudaSuccess && i < count; ++i) {
    std::array<char, 32> address{};
    cudaDeviceGetPCIBusId(address.data(), static_cast<int>(address.size()), i);
    answer.gpus.emplace_back(address.data());
    cudaDeviceProp properties{};
    cudaGetDeviceProperties(&properties, i);
    answer.names.emplace_back(properties.name);
  }
  cudaGetLastError();  // clears the error, which is reported
  return answer;
}

}  // namespace incubate
