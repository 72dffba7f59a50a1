#include "model/drop_path.h"

#include <algorithm>

#include <torch/torch.h>

#include "base/random.h"

namespace incubate {

std::vector<double> drop_path_rates(double rate, std::int64_t num_blocks) {
  std::vector<double> rates(num_blocks, 0.0);
  for (std::int64_t i = 1; i < num_blocks; ++i) {
    rates[i] = rate * static_cast<double>(i) / static_cast<double>(num_blocks - 1);
  }
  return rates;
}

torch::Tensor draw_branch_scales(const std::vector<double>& rates, std::int64_t batch, std::uint64_t seed, Phase phase,
                                 std::int64_t step, std::int64_t micro_batch) {
  if (std::ranges::all_of(rates, [](double rate) { return rate == 0; })) return {};
  const auto num_blocks = static_cast<std::int64_t>(rates.size());
  torch::Tensor scales = torch::empty({num_blocks, 2, batch});
  float* scale = scales.data_ptr<float>();
  for (std::int64_t block = 0; block < num_blocks; ++block) {
    Generator generator = make_generator(seed, Purpose::drop_path,
                                         {static_cast<std::uint64_t>(phase), static_cast<std::uint64_t>(step),
                                          static_cast<std::uint64_t>(micro_batch), static_cast<std::uint64_t>(block)});
    const auto kept = static_cast<float>(1 / (1 - rates[block]));
    for (std::int64_t i = 0; i < 2 * batch; ++i) *scale++ = generator.uniform() < rates[block] ? 0 : kept;
  }
  return scales;
}

}  // namespace incubate
