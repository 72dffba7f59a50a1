#include "model/stage.h"

#include <string_view>

namespace incubate {
namespace {

constexpr std::string_view kBlocks = "blocks.";

}  // namespace

std::optional<std::int64_t> block_of(const std::string& name) {
  if (!name.starts_with(kBlocks)) return std::nullopt;
  return std::stoll(name.substr(kBlocks.size()));
}

std::string name_in_block(const std::string& name) { return name.substr(name.find('.', kBlocks.size()) + 1); }

std::string block_name(std::int64_t block, const std::string& name) {
  return std::string(kBlocks) + std::to_string(block) + "." + name;
}

std::vector<NamedTensor> Stage::list_state() {
  std::vector<NamedTensor> state;
  for (const ParameterInfo& parameter : list_parameters()) state.push_back({parameter.name, parameter.tensor});
  for (const StatisticInfo& statistic : list_statistics()) state.push_back({statistic.name, statistic.running});
  return state;
}

}  // namespace incubate
