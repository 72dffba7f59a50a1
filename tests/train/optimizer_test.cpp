#include "train/optimizer.h"

#include <array>
#include <cmath>
#include <memory>
#include <stdexcept>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "support/tiny_model.h"

namespace incubate {
namespace {

const OptimizerConfig kAdamW = {.beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-6};
const OptimizerConfig kNesterov = {.name = OptimizerName::sgd, .momentum = 0.8};
const OptimizerConfig kMomentum = {.name = OptimizerName::sgd, .momentum = 0.8, .nesterov = false};
const OptimizerConfig kPlainSgd = {.name = OptimizerName::sgd, .momentum = 0, .nesterov = false};

const torch::Tensor kGood = torch::zeros({});
const torch::Tensor kBad = torch::ones({});

Share all_of(FlatParameters& flat) { return {0, flat.gradients().numel()}; }

PhaseConfig recipe_of(double weight_decay, double layer_decay = 1) {
  PhaseConfig recipe;
  recipe.weight_decay = weight_decay;
  recipe.layer_decay = layer_decay;
  return recipe;
}

/// One number and its state, in double.
struct ReferenceNumber {
  double value = 0;
  std::array<double, 2> state = {0, 0};
};

/// Updates by algorithm 2 of Loshchilov and Hutter; `t` counts from 1.
void update_adamw(const OptimizerConfig& config, ReferenceNumber& number, double gradient, int t, double learning_rate,
                  double weight_decay) {
  auto& [mean, mean_square] = number.state;
  mean = (config.beta1 * mean) + ((1 - config.beta1) * gradient);
  mean_square = (config.beta2 * mean_square) + ((1 - config.beta2) * gradient * gradient);
  const double corrected_mean = mean / (1 - std::pow(config.beta1, t));
  const double corrected_square = mean_square / (1 - std::pow(config.beta2, t));
  number.value -=
      learning_rate * (corrected_mean / (std::sqrt(corrected_square) + config.epsilon) + weight_decay * number.value);
}

/// Updates by the algorithm in the documentation of torch.optim.SGD, whose first momentum is the gradient.
void update_sgd(const OptimizerConfig& config, ReferenceNumber& number, double gradient, int t, double learning_rate,
                double weight_decay) {
  double& momentum = number.state[0];
  gradient += weight_decay * number.value;
  momentum = t == 1 ? gradient : (config.momentum * momentum) + gradient;
  number.value -= learning_rate * (config.nesterov ? gradient + (config.momentum * momentum) : momentum);
}

/// Returns whether weight decay applies, by name: only to the weights of linear layers and of the patch embedding.
bool is_to_decay(const std::string& name) {
  return name.ends_with(".weight") && name.find("norm") == std::string::npos;
}

/// Returns the learning rate of a parameter divided by the head's.
double expected_rate_factor(const FlatParameters& flat, const FlatView& view, double layer_decay) {
  for (const Segment& segment : flat.segments()) {
    if (view.offset < segment.begin || view.offset >= segment.end) continue;
    return std::pow(layer_decay, segment.layers_behind);
  }
  throw std::logic_error("no segment has " + view.name);
}

using UpdateNumber = decltype(&update_adamw);

struct Case {
  const char* name;
  OptimizerConfig config;
  double layer_decay;
  UpdateNumber update;
};

class OptimizerFormula : public testing::TestWithParam<Case> {};

TEST_P(OptimizerFormula, StepsAreThoseOfIt) {
  const Case& c = GetParam();
  StagedModel model = make_initialised(target_spec(tiny_model_config()));
  FlatParameters flat(model, torch::kCPU);
  const std::unique_ptr<Optimizer> optimizer =
      make_optimizer(flat, all_of(flat), c.config, recipe_of(0.1, c.layer_decay));
  torch::manual_seed(5);
  std::vector<ReferenceNumber> reference(flat.size());
  for (std::int64_t i = 0; i < flat.size(); ++i) reference[i].value = flat.values()[i].item<double>();
  for (int step = 0; step < 6; ++step) {
    const double learning_rate = 0.01 / (step + 1);
    flat.gradients().zero_();
    for (const FlatView& view : flat.views()) {
      const torch::Tensor gradient = 0.3 * torch::randn(view.shape);
      view.of(flat.gradients()).copy_(gradient);
      const torch::Tensor numbers = gradient.flatten();
      const float* number = numbers.data_ptr<float>();
      const double rate = learning_rate * expected_rate_factor(flat, view, c.layer_decay);
      for (std::int64_t i = 0; i < gradient.numel(); ++i) {
        c.update(c.config, reference[view.offset + i], number[i], step + 1, rate, is_to_decay(view.name) ? 0.1 : 0);
      }
    }
    optimizer->update(learning_rate, {}, kGood);
  }
  const float* value = flat.values().data_ptr<float>();
  for (const FlatView& view : flat.views()) {
    for (std::int64_t i = view.offset; i < view.offset + view.of(flat.values()).numel(); ++i) {
      // Six updates in fp32 round values below 1.1, and state below 3, each by 2^-24 or so of it.
      EXPECT_NEAR(value[i], reference[i].value, 2e-6) << view.name;
      for (std::size_t s = 0; s < optimizer->state().size(); ++s) {
        EXPECT_NEAR(optimizer->state()[s].values.data_ptr<float>()[i], reference[i].state[s], 1e-6) << view.name;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, OptimizerFormula,
                         testing::Values(Case{"adamw", kAdamW, 1, update_adamw},
                                         Case{"adamw_layer_decay", kAdamW, 0.7, update_adamw},
                                         Case{"nesterov", kNesterov, 1, update_sgd},
                                         Case{"nesterov_layer_decay", kNesterov, 0.7, update_sgd},
                                         Case{"momentum", kMomentum, 1, update_sgd},
                                         Case{"plain", kPlainSgd, 1, update_sgd}),
                         [](const auto& info) { return info.param.name; });

TEST(Optimizer, StateHasTheNamesOfTorchOptim) {
  StagedModel model = make_initialised(target_spec(tiny_model_config()));
  FlatParameters flat(model, torch::kCPU);
  const auto names = [&](const OptimizerConfig& config) {
    std::vector<std::string> list;
    const std::unique_ptr<Optimizer> optimizer = make_optimizer(flat, all_of(flat), config, {});
    for (const StateBuffer& state : optimizer->state()) list.push_back(state.name);
    return list;
  };
  EXPECT_EQ(names(kAdamW), (std::vector<std::string>{"exp_avg", "exp_avg_sq"}));
  EXPECT_EQ(names(kNesterov), std::vector<std::string>{"momentum_buffer"});
  EXPECT_EQ(names(kPlainSgd), std::vector<std::string>{});
}

class EveryOptimizer : public testing::TestWithParam<OptimizerConfig> {
 protected:
  StagedModel model_ = make_initialised(target_spec(tiny_model_config()));
  FlatParameters flat_{model_, torch::kCPU};
};

TEST_P(EveryOptimizer, WithoutGradientOnlyDecayingParametersShrink) {
  // AdamW and plain SGD decay by r c w at once, Nesterov's momentum by 1 + m times as much.
  const double factor = GetParam().name == OptimizerName::sgd && GetParam().nesterov ? 1 + GetParam().momentum : 1;
  flat_.values().fill_(2);
  make_optimizer(flat_, all_of(flat_), GetParam(), recipe_of(0.25))->update(0.5, {}, kGood);
  for (const FlatView& view : flat_.views()) {
    const double expected = is_to_decay(view.name) ? 2 - (factor * 0.25) : 2;
    EXPECT_TRUE(torch::allclose(view.of(flat_.values()), torch::full({}, expected), 1e-6, 0)) << view.name;
  }
}

TEST_P(EveryOptimizer, GapsBetweenParametersStayZero) {
  for (const FlatView& view : flat_.views()) view.of(flat_.gradients()).fill_(1);
  make_optimizer(flat_, all_of(flat_), GetParam(), recipe_of(0.1, 0.5))->update(0.1, {}, kGood);
  torch::Tensor gaps = flat_.values().clone();
  std::int64_t num_gaps = flat_.size();
  for (const FlatView& view : flat_.views()) {
    view.of(gaps).zero_();
    num_gaps -= view.of(gaps).numel();
  }
  EXPECT_GT(num_gaps, 0);
  EXPECT_EQ(gaps.abs().max().item<float>(), 0);
}

TEST_P(EveryOptimizer, ABadStepChangesNothingAndIsNotCounted) {
  torch::manual_seed(3);
  StagedModel other_model = make_initialised(target_spec(tiny_model_config()));
  FlatParameters other(other_model, torch::kCPU);
  const auto optimizer = make_optimizer(flat_, all_of(flat_), GetParam(), recipe_of(0.1));
  const auto without = make_optimizer(other, all_of(other), GetParam(), recipe_of(0.1));
  for (int step = 0; step < 3; ++step) {
    const torch::Tensor gradients = torch::randn({flat_.gradients().numel()});
    flat_.gradients().fill_(std::nanf(""));
    optimizer->update(0.1, torch::full({}, std::nanf("")), kBad);
    flat_.gradients().copy_(gradients);
    other.gradients().copy_(gradients);
    optimizer->update(0.1, {}, kGood);
    without->update(0.1, {}, kGood);
  }
  EXPECT_TRUE(torch::equal(flat_.values(), other.values()));
}

TEST_P(EveryOptimizer, DividesTheGradients) {
  StagedModel other_model = make_initialised(target_spec(tiny_model_config()));
  FlatParameters other(other_model, torch::kCPU);
  flat_.gradients().fill_(3);
  other.gradients().fill_(0.75);
  make_optimizer(flat_, all_of(flat_), GetParam(), recipe_of(0.1))->update(0.1, torch::full({}, 4.0F), kGood);
  make_optimizer(other, all_of(other), GetParam(), recipe_of(0.1))->update(0.1, {}, kGood);
  EXPECT_TRUE(torch::equal(flat_.values(), other.values()));
}

// Ranks that share the work update their parts, each with its state.
TEST_P(EveryOptimizer, PartsMakeTheWhole) {
  torch::manual_seed(3);
  StagedModel other_model = make_initialised(target_spec(tiny_model_config()));
  FlatParameters other(other_model, torch::kCPU);
  const Share all = all_of(flat_);
  const std::int64_t cut = all.end / 32 * 16;
  const auto first = make_optimizer(flat_, {0, cut}, GetParam(), recipe_of(0.1, 0.7));
  const auto second = make_optimizer(flat_, {cut, all.end}, GetParam(), recipe_of(0.1, 0.7));
  const auto whole = make_optimizer(other, all, GetParam(), recipe_of(0.1, 0.7));
  for (int step = 0; step < 3; ++step) {
    flat_.gradients().normal_();
    other.gradients().copy_(flat_.gradients());
    first->update(0.1, {}, kGood);
    second->update(0.1, {}, kGood);
    whole->update(0.1, {}, kGood);
  }
  EXPECT_TRUE(torch::equal(flat_.values(), other.values()));
  for (const StateBuffer& state : first->state()) EXPECT_EQ(state.values.numel(), cut);
}

INSTANTIATE_TEST_SUITE_P(Configs, EveryOptimizer, testing::Values(kAdamW, kNesterov, kMomentum, kPlainSgd));

}  // namespace
}  // namespace incubate
