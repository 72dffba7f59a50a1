#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torch/types.h>

#include "base/share.h"
#include "config/run_config.h"
#include "train/flat_parameters.h"

namespace incubate {

/// An optimizer's value for each parameter, such as a moment, in the order of the flat buffers.
struct StateBuffer {
  std::string name;  ///< as in torch.optim
  torch::Tensor values;
};

/// Updates parameters in the flat buffers from their gradients.
class Optimizer {
 public:
  /// Updates the parameters in `own`, a part of the flat buffers. State starts at 0. `parameters` must outlive this.
  Optimizer(FlatParameters& parameters, Share own, const OptimizerConfig& config, const PhaseConfig& recipe);
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Continues after `num_updates` updates.
  void resume(std::int64_t num_updates) { num_updates_.fill_(num_updates); }
  /// Updates the parameters, unless `is_bad` is 1. Divides the gradients by `gradient_divisor` first, if defined. Both
  /// are one float on the device; nothing waits for them. `learning_rate` is the head's; other layers have
  /// rate_factor() times it.
  void update(double learning_rate, const torch::Tensor& gradient_divisor, const torch::Tensor& is_bad);

  /// Returns the state of the own part.
  std::vector<StateBuffer>& state() { return state_; }

 protected:
  /// Segments with one learning rate and one weight decay, as the lists that ATen's fused kernels take.
  struct Part {
    double rate_factor = 1;
    double weight_decay = 0;
    std::vector<torch::Tensor> values = {}, gradients = {};
    std::vector<std::vector<torch::Tensor>> states = {};  ///< for each state buffer
  };

  using OptionalTensor = std::optional<torch::Tensor>;

  virtual void update_part(Part& part, double learning_rate, const OptionalTensor& gradient_divisor,
                           const torch::Tensor& is_bad) = 0;
  const OptimizerConfig& config() const { return config_; }
  /// Returns one float on the device.
  const torch::Tensor& num_updates() const { return num_updates_; }

 private:
  Part& find_part(double rate_factor, double weight_decay);

  OptimizerConfig config_;
  torch::Tensor num_updates_;
  std::vector<StateBuffer> state_;
  std::vector<Part> parts_;
};

/// Returns the optimizer that `config` names, by ATen's fused kernels:
///   adamw: Loshchilov and Hutter, ICLR 2019;
///   sgd: as torch.optim.SGD without dampening. For gradient g, weights w, momentum m, weight decay c and rate r
///     g += c w,  b = m b + g,  w -= r (g + m b) with Nesterov's momentum (Sutskever et al., ICML 2013), else w -= r b.
std::unique_ptr<Optimizer> make_optimizer(FlatParameters& parameters, Share own, const OptimizerConfig& config,
                                          const PhaseConfig& recipe);

/// Returns the names of an optimizer's state buffers; empty without momentum.
std::vector<std::string> list_state_names(const OptimizerConfig& config);

/// Returns the learning rate of `segment` divided by the head's: layer_decay to the power of the layers behind it
/// (Clark et al., ICLR 2020, "ELECTRA"; Bao et al., ICLR 2022, "BEiT").
double rate_factor(const Segment& segment, double layer_decay);

}  // namespace incubate
