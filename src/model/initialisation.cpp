#include "model/initialisation.h"

#include <cmath>

#include <torch/torch.h>
#include <xxhash.h>

namespace incubate {

Generator parameter_generator(std::uint64_t seed, Phase phase, std::int64_t stage_index, const std::string& name) {
  const std::uint64_t name_hash = XXH3_64bits(name.data(), name.size());
  return make_generator(seed, Purpose::initialisation,
                        {static_cast<std::uint64_t>(phase), static_cast<std::uint64_t>(stage_index), name_hash});
}

void fill_normal(torch::Tensor& tensor, double deviation, Generator generator) {
  float* values = tensor.data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) values[i] = static_cast<float>(deviation * generator.normal());
}

void fill_truncated_normal(torch::Tensor& tensor, Generator generator) {
  float* values = tensor.data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    double value = 3;
    while (std::fabs(value) > 2) value = 0.02 * generator.normal();
    values[i] = static_cast<float>(value);
  }
}

void fill_uniform(torch::Tensor& tensor, double bound, Generator generator) {
  float* values = tensor.data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    values[i] = static_cast<float>(bound * ((2.0 * generator.uniform()) - 1.0));
  }
}

}  // namespace incubate
