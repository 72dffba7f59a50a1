// Fuzzes safetensors files with any bytes. Three of four changed inputs get a length that fits the header; in some of
// these one value changes too.
#include <algorithm>
#include <cstring>
#include <string>

#include <torch/torch.h>

#include "base/check.h"
#include "checkpoint/safetensors.h"
#include "fuzz/allocation_limit.h"
#include "fuzz/json_mutator.h"
#include "fuzz/memory_file.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  if (seed % 4 == 0 || size <= 8) return LLVMFuzzerMutate(data, size, most);
  std::string rest(data + 8, data + size);
  const auto end_of_header = [&rest] { return std::min(rest.rfind('}'), rest.size() - 1) + 1; };
  if (seed % 4 == 1) {
    rest = incubate::change_json(rest.substr(0, end_of_header()), seed / 4) + rest.substr(end_of_header());
  } else {
    rest.resize(most - 8);
    rest.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(rest.data()), size - 8, most - 8));
  }
  if (rest.empty()) return size;
  rest.resize(std::min(rest.size(), most - 8));
  const std::uint64_t length = end_of_header();
  std::memcpy(data, &length, sizeof(length));
  std::ranges::copy(rest, data + 8);
  return 8 + rest.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace incubate;
  const MemoryFile file({reinterpret_cast<const char*>(data), size});
  const AllocationLimit limit((std::size_t{1} << 20) + (256 * size));
  try {
    const StateDict tensors = load_safetensors(file.path());
    std::size_t bytes = 0;
    double sum = 0;
    for (const auto& [name, tensor] : tensors) {
      bytes += tensor.nbytes();
      if (tensor.numel() > 0) sum += tensor.sum().item<double>();
      quotable(name);
    }
    check_running(bytes <= size || sum == 0, "{} bytes of tensors in a file of {}", bytes, size);
  } catch (const InputError&) {
  }
  return 0;
}
