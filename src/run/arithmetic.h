#pragma once

#include <string>
#include <vector>

#include <torch/types.h>

#include "config/run_config.h"
#include "parallel/communicator.h"

namespace incubate {

/// Sets the environment by which ATen, oneDNN, MKL and this program's kernels choose their instructions; lower caps in
/// it stay. REQUIRES: nothing has been computed and no thread started.
void cap_instructions(InstructionCap cap);

/// Returns what decides the last bits of a CPU's results: the instructions that each library may use, and a hash of the
/// results of fixed products, a convolution, softmax, GELU and sums, in fp32 and bfloat16; of a GPU such a hash alone.
/// Takes less than 50 ms on a CPU. Ranks of one kind compute the same weights. Not collective.
std::string kind_of_arithmetic(torch::Device device);

/// The kinds of arithmetic of the ranks, each once.
struct ArithmeticOfRanks {
  std::vector<std::string> kinds;
  std::string warning;  ///< names a rank of each kind; empty if there is one kind
};
/// Collective.
ArithmeticOfRanks gather_arithmetic(torch::Device device, const Communicator& world);

/// Returns a warning if a small matrix product takes a rank longer in bfloat16 than in fp32, with the rates; else
/// nothing. Collective.
std::string find_slow_bf16(torch::Device device, const Communicator& world);

}  // namespace incubate
