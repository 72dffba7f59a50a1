#include "vision/normalisation.h"

namespace incubate {

std::vector<float> make_table(const Normalisation& normalisation) {
  std::vector<float> table;
  for (std::size_t channel = 0; channel < normalisation.mean.size(); ++channel) {
    for (int byte = 0; byte < 256; ++byte) {
      table.push_back(static_cast<float>((byte / 255.0 - normalisation.mean[channel]) / normalisation.std[channel]));
    }
  }
  return table;
}

}  // namespace incubate
