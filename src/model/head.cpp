#include "model/head.h"

namespace incubate {

std::vector<NamedTensor> Head::list_state() {
  std::vector<NamedTensor> state;
  for (const ParameterInfo& parameter : list_parameters()) state.push_back({parameter.name, parameter.tensor});
  return state;
}

}  // namespace incubate
