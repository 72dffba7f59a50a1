#pragma once

#include <memory>
#include <vector>

#include <torch/nn/modules/linear.h>

#include "model/head.h"
#include "model/spec.h"

namespace incubate {

/// A linear layer from the summary to a logit for each class, (batch, classes). Its name and its first weights are
/// those that the network's family has in timm and torchvision: "head" of a vision transformer, "fc" of a residual
/// network.
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

/// (width + 1) classes parameters. Kept are the summary, if the head learns, and two sets of logits, one of them by the
/// loss.
HeadCost linear_head_cost(const ModelSpec& spec);

}  // namespace incubate
