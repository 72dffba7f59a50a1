#include "model/growth.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <torch/torch.h>

namespace incubate {
namespace {

constexpr std::string_view kBlocks = "blocks.";
constexpr std::array<std::string_view, 2> kLastProjections = {".attn.proj.", ".mlp.fc2."};

/// Whether `name` is a parameter of a last projection in block `first_block` or a later one.
bool ends_branch(const std::string& name, std::int64_t first_block) {
  const auto is_in = [&name](std::string_view part) { return name.find(part) != std::string::npos; };
  return name.starts_with(kBlocks) && std::stoll(name.substr(kBlocks.size())) >= first_block &&
         std::ranges::any_of(kLastProjections, is_in);
}

}  // namespace

void zero_branches(Stage& stage, std::int64_t first_block) {
  const torch::NoGradGuard no_grad;
  for (ParameterInfo& parameter : stage.list_parameters()) {
    if (ends_branch(parameter.name, first_block)) parameter.tensor.zero_();
  }
}

void grow(Stage& stage, Stage& smaller) {
  TORCH_INTERNAL_ASSERT(smaller.num_blocks() <= stage.num_blocks());
  const torch::NoGradGuard no_grad;
  const auto parameters = stage.named_parameters();
  for (ParameterInfo& parameter : smaller.list_parameters()) parameters[parameter.name].copy_(parameter.tensor);
  zero_branches(stage, smaller.num_blocks());
}

}  // namespace incubate
