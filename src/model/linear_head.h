#pragma once

#include <memory>
#include <vector>

#include <torch/nn/modules/linear.h>

#include "model/head.h"
#include "model/spec.h"

namespace incubate {

/// A linear layer from the summary to logits, (batch, classes). Its name and first weights follow timm and torchvision:
/// "head" in a vision transformer, "fc" in a residual network.
class LinearHead : public Head {
 public:
  explicit LinearHead(const ModelSpec& spec);
  FeatureRequest request() const override { return {}; }
  torch::Tensor forward(const Features& features) override { return linear_(features.summary); }
  std::vector<ParameterInfo> list_parameters() override;
  void initialise(std::uint64_t seed, Phase phase, std::int64_t last_stage) override;

 private:
  Family family_;
  torch::nn::Linear linear_;
};

/// Returns the cost: (width + 1) classes parameters. The head keeps the summary, if it learns, and two sets of logits,
/// one of them for the loss.
HeadCost linear_head_cost(const ModelSpec& spec);

}  // namespace incubate
