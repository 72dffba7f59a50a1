#include "model/batch_norm.h"

#include <torch/torch.h>

namespace incubate {

BatchNorm::BatchNorm(std::int64_t channels, double epsilon)
    : epsilon_(epsilon),
      weight_(register_parameter("weight", torch::ones(channels))),
      bias_(register_parameter("bias", torch::zeros(channels))),
      running_mean_(register_buffer("running_mean", torch::zeros(channels))),
      running_var_(register_buffer("running_var", torch::ones(channels))),
      batch_mean_(register_buffer("batch_mean", torch::zeros(channels))),
      batch_var_(register_buffer("batch_var", torch::zeros(channels))) {}

torch::Tensor BatchNorm::forward(const torch::Tensor& x_BCHW) {
  // With a momentum of 1 ATen replaces the statistics that it is given by those of the micro-batch.
  constexpr double kMomentum = 1;
  constexpr bool kWithCudnn = true;
  if (!is_training()) {
    return torch::batch_norm(x_BCHW, weight_, bias_, running_mean_, running_var_, /*training=*/false, kMomentum,
                             epsilon_, kWithCudnn);
  }
  return torch::batch_norm(x_BCHW, weight_, bias_, batch_mean_, batch_var_, /*training=*/true, kMomentum, epsilon_,
                           kWithCudnn);
}

}  // namespace incubate
