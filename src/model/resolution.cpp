#include "model/resolution.h"

#include <cmath>

#include <torch/torch.h>

namespace incubate {
namespace {

/// Returns the number of patches along one side of the square.
std::int64_t side_of(const torch::Tensor& embedding) {
  return std::llround(std::sqrt(static_cast<double>(embedding.size(1) - 1)));
}

}  // namespace

torch::Tensor resample_position_embedding(const torch::Tensor& embedding, std::int64_t side) {
  const std::int64_t n = side_of(embedding);
  if (n == side) return embedding;
  const torch::Tensor grid_1DHW = embedding.narrow(1, 1, n * n).reshape({1, n, n, -1}).permute({0, 3, 1, 2});
  const auto options = torch::nn::functional::InterpolateFuncOptions()
                           .size(std::vector<std::int64_t>{side, side})
                           .mode(torch::kBicubic)
                           .align_corners(false);
  const torch::Tensor resized_1DHW = torch::nn::functional::interpolate(grid_1DHW, options);
  return torch::cat({embedding.narrow(1, 0, 1), resized_1DHW.permute({0, 2, 3, 1}).reshape({1, side * side, -1})}, 1);
}

void change_resolution(Stage& stage, Stage& original) {
  const torch::NoGradGuard no_grad;
  const std::vector<NamedTensor> before = original.list_state();
  std::vector<NamedTensor> after = stage.list_state();
  for (std::size_t i = 0; i < after.size(); ++i) {
    torch::Tensor& tensor = after[i].tensor;
    const bool is_embedding = after[i].name == "pos_embed";
    tensor.copy_(is_embedding ? resample_position_embedding(before[i].tensor, side_of(tensor)) : before[i].tensor);
  }
}

}  // namespace incubate
