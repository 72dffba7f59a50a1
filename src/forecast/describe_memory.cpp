#include "forecast/describe_memory.h"

#include <fmt/format.h>

#include "base/short_number.h"
#include "forecast/gpu_memory.h"
#include "model/stage_cost.h"

namespace incubate {

MemoryNeed describe_memory(const RunConfig& config, const std::vector<const Training*>& trainings, torch::Device device,
                           std::int64_t num_ranks) {
  const Phase phase = trainings.front()->phase;
  MemorySettings settings = memory_settings(config, phase);
  settings.num_ranks = num_ranks;
  const bool is_on_gpu = device.is_cuda();
  const std::int64_t bytes =
      is_on_gpu ? gpu_memory_per_rank(trainings, settings).total() : memory_per_rank(trainings, settings).total();
  std::string names;
  for (const Training* training : trainings) names += (names.empty() ? "" : ", ") + training->name;
  return {
      .subject = names,
      .needed = fmt::format("each rank needs about {}{}", bytes_text(bytes), is_on_gpu ? " of its GPU" : ""),
      .remedy = fmt::format("Give a smaller network, a smaller {}.micro, run.recompute=blocks{}; 'incubate plan{}' "
                            "says beforehand what each training takes.",
                            section_of(phase), is_on_gpu ? " or run.shard_optimizer=true" : " or fewer ranks a node",
                            is_on_gpu ? " --run.device=cuda" : "")};
}

MemoryNeed describe_exchange_memory(const Training& training) {
  constexpr std::int64_t kCopies = 2;  // the network, and the file that is read
  return {.subject = training.name,
          .needed = fmt::format("its weights and those of the file need about {}",
                                bytes_text(kCopies * kFloatBytes * num_parameters(training))),
          .remedy = "Run it where more memory is free; 'incubate plan' says how many parameters each training has."};
}

}  // namespace incubate
