#include "model/growth.h"

#include <algorithm>
#include <map>

#include <torch/torch.h>

namespace incubate {
namespace {

/// Returns for each block of `smaller` the block of `stage` that gets its weights.
std::vector<std::int64_t> match_blocks(const Stage& stage, const Stage& smaller) {
  const std::vector<std::int64_t> kinds = stage.list_block_kinds();
  std::vector<std::int64_t> matches;
  std::map<std::int64_t, std::vector<std::int64_t>::const_iterator> next;  // for each kind
  for (const std::int64_t kind : smaller.list_block_kinds()) {
    auto& it = next.try_emplace(kind, kinds.begin()).first->second;
    it = std::find(it, kinds.end(), kind);
    TORCH_INTERNAL_ASSERT(it != kinds.end());
    matches.push_back(it - kinds.begin());
    ++it;
  }
  return matches;
}

}  // namespace

void zero_branches(Stage& stage, std::int64_t block) {
  const torch::NoGradGuard no_grad;
  const auto parameters = stage.named_parameters();
  for (const std::string& end : stage.list_branch_ends()) parameters[block_name(block, end)].zero_();
}

void grow(Stage& stage, Stage& smaller) {
  const torch::NoGradGuard no_grad;
  const std::vector<std::int64_t> matches = match_blocks(stage, smaller);
  std::map<std::string, torch::Tensor> state;
  for (const NamedTensor& item : stage.list_state()) state[item.name] = item.tensor;
  for (const NamedTensor& item : smaller.list_state()) {
    const auto block = block_of(item.name);
    const std::string name = block ? block_name(matches[*block], name_in_block(item.name)) : item.name;
    state.at(name).copy_(item.tensor);
  }
  for (std::int64_t block = 0; block < stage.num_blocks(); ++block) {
    if (std::ranges::find(matches, block) == matches.end()) zero_branches(stage, block);
  }
}

}  // namespace incubate
