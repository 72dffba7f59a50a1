#include "model/weight_names.h"

#include <numeric>

namespace incubate {

std::string weight_name(WeightFormat format, const ModelSpec& spec, std::int64_t stage_index,
                        const std::string& parameter) {
  if (format == WeightFormat::reference) return "stages." + std::to_string(stage_index) + "." + parameter;
  const std::string prefix = "blocks.";
  if (!parameter.starts_with(prefix)) return parameter;
  const std::size_t index_end = parameter.find('.', prefix.size());
  const std::int64_t before = std::accumulate(spec.depths.begin(), spec.depths.begin() + stage_index, std::int64_t{0});
  const std::int64_t index = std::stoll(parameter.substr(prefix.size(), index_end - prefix.size()));
  return prefix + std::to_string(before + index) + parameter.substr(index_end);
}

}  // namespace incubate
