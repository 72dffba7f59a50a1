#include "run/arithmetic.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "support/test_world.h"

namespace incubate {
namespace {

TEST(Arithmetic, AKindIsTheSameEachTimeAndQuicklyFound) {
  const std::string kind = kind_of_arithmetic(torch::kCPU);
  double best_s = 1;
  for (int i = 0; i < 5; ++i) {
    const std::clock_t begin = std::clock();  // other ranks may share the core
    EXPECT_EQ(kind_of_arithmetic(torch::kCPU), kind);
    best_s = std::min(best_s, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  EXPECT_LT(best_s, 0.05);
  EXPECT_TRUE(kind.starts_with("ATen ")) << kind;
}

TEST(Arithmetic, RanksOfOneKindGetNoWarning) {
  const ArithmeticOfRanks found = gather_arithmetic(torch::kCPU, test_world());
  EXPECT_EQ(found.kinds, std::vector<std::string>{kind_of_arithmetic(torch::kCPU)});
  EXPECT_EQ(found.warning, "");
}

TEST(Arithmetic, ACapSetsWhatLibrariesReadAndKeepsLowerOnes) {
  const auto value = [](const char* name) {
    return std::string(std::getenv(name) == nullptr ? "" : std::getenv(name));
  };
  setenv("MKL_CBWR", "COMPATIBLE", 1);
  unsetenv("ATEN_CPU_CAPABILITY");
  unsetenv("ONEDNN_MAX_CPU_ISA");
  cap_instructions(InstructionCap::automatic);
  EXPECT_EQ(value("ATEN_CPU_CAPABILITY"), "");
  cap_instructions(InstructionCap::avx2);
  EXPECT_EQ(value("ATEN_CPU_CAPABILITY"), "avx2");
  EXPECT_EQ(value("ONEDNN_MAX_CPU_ISA"), "AVX2");
  EXPECT_EQ(value("MKL_CBWR"), "COMPATIBLE");
  setenv("ATEN_CPU_CAPABILITY", "default", 1);
  setenv("MKL_CBWR", "AVX512,STRICT", 1);
  cap_instructions(InstructionCap::avx2);
  EXPECT_EQ(value("ATEN_CPU_CAPABILITY"), "default");
  EXPECT_EQ(value("MKL_CBWR"), "AVX2");
  for (const char* name : {"ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_CBWR"}) unsetenv(name);
}

}  // namespace
}  // namespace incubate
