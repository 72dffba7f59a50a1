#include "run/arithmetic.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <string_view>

#include <ATen/Version.h>
#include <fmt/ranges.h>
#include <torch/torch.h>

#include "base/vector_unit.h"
#include "config/identity.h"
#include "ops/attention.h"
#include "ops/bias_gelu.h"
#include "ops/residual_norm.h"
#include "parallel/peak_flops.h"

namespace incubate {
namespace {

/// Instructions that a library may use, oldest first.
enum Level : std::size_t { kAny, kAvx2, kAvx512, kAvx512Bf16, kAmx };
constexpr std::array kLevelNames = {"default", "avx2", "avx512", "avx512_bf16", "amx"};

Level level_of_processor() {
#ifdef __x86_64__
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2")) return kAny;
  if (!__builtin_cpu_supports("avx512bw")) return kAvx2;
  if (!__builtin_cpu_supports("avx512bf16")) return kAvx512;
  return __builtin_cpu_supports("amx-bf16") ? kAmx : kAvx512Bf16;
#else
  return kAny;
#endif
}

/// Returns the level that a name in the environment stands for, such as AVX512_CORE_BF16 or "AVX2,STRICT".
Level level_named(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
  const auto has = [&name](std::string_view part) { return name.find(part) != std::string::npos; };
  if (name.empty() || has("AUTO") || has("ALL") || has("AMX") || has("AVX10_2")) return kAmx;
  if (has("BF16") || has("FP16") || has("AVX10")) return kAvx512Bf16;
  if (has("AVX512")) return kAvx512;
  return has("AVX2") ? kAvx2 : kAny;
}

/// A library's variables that cap its instructions, of which the first one that is set counts.
struct Variables {
  const char* library;
  std::array<const char*, 2> names;
};
constexpr std::array kVariables = {Variables{"oneDNN", {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"}},
                                   Variables{"MKL", {"MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS"}}};

Level level_of(const Variables& variables) {
  for (const char* name : variables.names) {
    const char* text = std::getenv(name);
    if (text != nullptr && *text != '\0') return std::min(level_named(text), level_of_processor());
  }
  return level_of_processor();
}

std::string describe_levels() {
  std::string aten = at::get_cpu_capability();
  std::ranges::transform(aten, aten.begin(), [](unsigned char c) { return std::tolower(c); });
  std::string text = "ATen " + aten;
  for (const Variables& variables : kVariables) {
    text += fmt::format(", {} {}", variables.library, kLevelNames[level_of(variables)]);
  }
  return text + fmt::format(", kernels {}", kLevelNames[static_cast<std::size_t>(vector_unit())]);
}

/// Values between -1 and 1 that use all bits, the same everywhere.
torch::Tensor fixed_values(std::vector<std::int64_t> shape, std::uint32_t state) {
  torch::Tensor values = torch::empty(shape);
  for (float& value : std::span(values.data_ptr<float>(), values.numel())) {
    state = (state * 1664525U) + 1013904223U;
    value = static_cast<float>((static_cast<double>(state) / 0x1p31) - 1);
  }
  return values;
}

/// Appends the bytes of results in `type`.
void compute(torch::Device device, at::ScalarType type, std::string& bytes) {
  const auto make = [&](std::vector<std::int64_t> shape, std::uint32_t seed) {
    return fixed_values(std::move(shape), seed).to(device).to(type);
  };
  const auto keep = [&bytes](const torch::Tensor& result) {
    const torch::Tensor copy = result.to(torch::kCPU).to(torch::kFloat32).contiguous();
    bytes.append(reinterpret_cast<const char*>(copy.data_ptr()), copy.nbytes());
  };
  const torch::Tensor rows = make({68, 192}, 1), weight = make({576, 192}, 2);
  const torch::Tensor qkv = rows.mm(weight.t());
  keep(qkv);
  keep(qkv.t().mm(rows));                           // as a weight's gradient
  keep(qkv.mm(weight));                             // as an input's gradient
  keep(make({3, 1024}, 3).mm(make({1024, 5}, 4)));  // long sums
  keep(qkv.softmax(1));
  keep(qkv.sum(0));
  keep(qkv.sum());
  keep(bias_gelu(make({68, 192}, 5), make({192}, 6).to(torch::kFloat32)));
  const NormParameters norm = {make({192}, 7).to(torch::kFloat32), make({192}, 8).to(torch::kFloat32), 1e-6};
  const Residual residual = {rows.view({4, 17, 192}).to(torch::kFloat32), {}};
  keep(residual_norm(residual, norm, {}, type).values);
  if (device.is_cuda()) return;  // cuDNN and the attention of GPUs take long to start
  keep(attention(qkv.view({4, 17, 576}), {}, 3, 17));
  keep(torch::conv2d(make({2, 16, 12, 12}, 9), make({32, 16, 3, 3}, 10), {}, 1, 1));
}

}  // namespace

void cap_instructions(InstructionCap cap) {
  if (cap == InstructionCap::automatic) return;
  const char* aten = std::getenv("ATEN_CPU_CAPABILITY");
  if (aten == nullptr || level_named(aten) > kAvx2) setenv("ATEN_CPU_CAPABILITY", "avx2", 1);
  for (const Variables& variables : kVariables) {
    if (level_of(variables) >= kAvx2) setenv(variables.names[0], "AVX2", 1);
  }
}

std::string kind_of_arithmetic(torch::Device device) {
  const torch::NoGradGuard no_grad;
  std::string bytes;
  for (const at::ScalarType type : {torch::kFloat32, torch::kBFloat16}) compute(device, type, bytes);
  const std::string levels = device.is_cuda() ? "a GPU" : describe_levels();
  return fmt::format("{}; results {}", levels, hash_text(bytes).substr(0, 8));
}

ArithmeticOfRanks gather_arithmetic(torch::Device device, const Communicator& world) {
  ArithmeticOfRanks found;
  std::string ranks;
  const std::vector<std::string> all = world.gather(kind_of_arithmetic(device), "comparing arithmetic");
  for (int rank = 0; rank < world.size(); ++rank) {
    if (std::ranges::count(found.kinds, all[rank]) > 0) continue;
    found.kinds.push_back(all[rank]);
    ranks += fmt::format("{}{}: {}", ranks.empty() ? "" : "; ", world.member_name(rank), all[rank]);
  }
  if (found.kinds.size() == 1) return found;
  found.warning = fmt::format(
      "The weights of this run are not reproducible: its ranks have {} kinds of arithmetic, whose last bits differ "
      "({}). Start it on nodes of one kind, or try run.instructions=avx2.",
      found.kinds.size(), ranks);
  return found;
}

std::string find_slow_bf16(torch::Device device, const Communicator& world) {
  const auto measure = [device](at::ScalarType type) {
    constexpr std::int64_t kWidth = 256;
    constexpr double kSeconds = 0.005;
    return best_product_flops(device, type, kWidth, kSeconds);
  };
  const double fp32 = measure(torch::kFloat32), bf16 = measure(torch::kBFloat16);
  const std::vector<std::string> all =
      world.gather(bf16 < fp32 ? fmt::format("{:.3g} GFLOP/s in bf16 and {:.3g} in fp32", bf16 / 1e9, fp32 / 1e9) : "",
                   "measuring products in both precisions");
  const auto slow = std::ranges::find_if(all, [](const std::string& text) { return !text.empty(); });
  if (slow == all.end()) return "";
  return fmt::format(
      "run.precision=bf16 makes this run slower: a matrix product of {} reaches {}. Begin it with run.precision=fp32, "
      "or start it on processors that multiply bf16 (AVX512-BF16, AMX), without a cap on their instructions.",
      world.member_name(static_cast<int>(slow - all.begin())), *slow);
}

}  // namespace incubate
