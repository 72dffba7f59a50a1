#include "model/staged_model.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "model/drop_path.h"
#include "model/frozen_prefix.h"
#include "support/tiny_model.h"
#include "support/tiny_resnet.h"

namespace incubate {
namespace {

torch::Tensor staged_images() {
  torch::manual_seed(3);
  return torch::randn({4, 1, 8, 8});
}

TEST(StagedModel, ForwardIsTheChainOfItsStages) {
  StagedModel model = make_initialised(target_spec(tiny_model_config()));
  const std::vector<KeptSamples> kept =
      keep_samples(draw_branch_scales(drop_path_rates(0.5, 5), 4, 1, Phase::meta, 0, 0), torch::kCPU);
  torch::Tensor x = model.stage(0).forward(staged_images(), branches_of(kept, 0, 2));
  x = model.stage(1).forward(x, branches_of(kept, 2, 1));
  x = model.stage(2).forward(x, branches_of(kept, 3, 2));
  const torch::Tensor logits = model.head().forward({.summary = model.stage(2).summarise(x)});
  EXPECT_TRUE(torch::equal(model.forward(staged_images(), kept), logits));
  EXPECT_FALSE(torch::equal(model.forward(staged_images(), {}), logits));
}

/// Returns its input, side by side: for each image the maps' values, then the summary.
class ShowingHead : public Head {
 public:
  explicit ShowingHead(FeatureRequest request) : request_(std::move(request)) {}
  FeatureRequest request() const override { return request_; }
  torch::Tensor forward(const Features& features) override {
    std::vector<torch::Tensor> parts;
    for (const torch::Tensor& map : features.maps) parts.push_back(map.flatten(1));
    if (features.summary.defined()) parts.push_back(features.summary);
    return torch::cat(parts, 1);
  }
  std::vector<ParameterInfo> list_parameters() override { return {}; }
  void initialise(std::uint64_t, Phase, std::int64_t) override {}

 private:
  FeatureRequest request_;
};

torch::Tensor show(const ModelSpec& spec, const FeatureRequest& request) {
  StagedModel model(spec, std::make_shared<ShowingHead>(request));
  for (std::int64_t i = 0; i < model.num_stages(); ++i) model.initialise(i, 1, Phase::meta);
  return model.forward(staged_images(), {});
}

TEST(StagedModel, AHeadGetsTheFeaturesThatItAsksFor) {
  for (const ModelSpec& spec : {target_spec(tiny_model_config()), target_spec(tiny_resnet_config())}) {
    StagedModel model(spec, std::make_shared<ShowingHead>(FeatureRequest{false, {0, 1, 2}}));
    for (std::int64_t i = 0; i < model.num_stages(); ++i) model.initialise(i, 1, Phase::meta);
    std::vector<torch::Tensor> maps;
    for (const torch::Tensor& output : stage_outputs(model, staged_images(), {})) {
      // Tokens behind the class token are pixels, row by row.
      maps.push_back((output.dim() == 3 ? output.narrow(1, 1, 4).transpose(1, 2) : output).flatten(1));
    }
    const torch::Tensor summary = show(spec, {});
    EXPECT_TRUE(torch::equal(show(spec, {false, {0, 1, 2}}), torch::cat(maps, 1)));
    EXPECT_TRUE(torch::equal(show(spec, {false, {1}}), maps[1]));
    EXPECT_TRUE(torch::equal(show(spec, {true, {0}}), torch::cat({maps[0], summary}, 1)));
    EXPECT_TRUE(torch::allclose(show(spec, {true, {2}}), torch::cat({maps[2], summary}, 1), 1e-5, 1e-6));
  }
}

TEST(StagedModel, MapsOfAFrozenPrefixReachTheHead) {
  const ModelSpec spec = target_spec(tiny_model_config());
  StagedModel model(spec, std::make_shared<ShowingHead>(FeatureRequest{true, {0, 1}}));
  for (std::int64_t i = 0; i < model.num_stages(); ++i) model.initialise(i, 1, Phase::meta);
  model.set_learning({false, false, true});
  FrozenPrefix prefix(staged_images(), {});
  for (int pass = 0; pass < 2; ++pass) {  // the second one finds the outputs
    EXPECT_TRUE(torch::equal(model.forward_from(2, prefix.input_of(model), {}), model.forward(staged_images(), {})));
  }
}

TEST(StagedModel, TheHeadIsSharedWithTheLastStage) {
  StagedModel a = make_initialised(target_spec(tiny_model_config()));
  StagedModel b = make_classifier(target_spec(tiny_model_config()));
  for (StagedModel* model : {&a, &b}) model->set_learning({true, false, false});
  b.share_stage(1, a);
  EXPECT_NE(&b.head(), &a.head());
  b.share_stage(2, a);
  EXPECT_EQ(&b.head(), &a.head());
}

TEST(StagedModel, AllStagesLearnAtFirst) {
  StagedModel model = make_initialised(target_spec(tiny_model_config()));
  EXPECT_EQ(model.is_learning(), (std::vector<bool>{true, true, true}));
  model.forward(staged_images(), {}).sum().backward();
  for (int i = 0; i < 3; ++i) {
    for (const ParameterInfo& p : model.list_parameters(i)) EXPECT_TRUE(p.tensor.grad().defined()) << p.name;
  }
}

TEST(StagedModel, FrozenStagesGetNoGradient) {
  for (int learning = 0; learning < 3; ++learning) {
    StagedModel model = make_initialised(target_spec(tiny_model_config()));
    std::vector<bool> is_learning(3, false);
    is_learning[learning] = true;
    model.set_learning(is_learning);
    model.forward(staged_images(), {}).square().sum().backward();
    for (int i = 0; i < 3; ++i) {
      for (const ParameterInfo& p : model.list_parameters(i)) {
        EXPECT_EQ(p.tensor.grad().defined(), i == learning) << "stage " << i << ", " << p.name;
      }
    }
  }
}

TEST(StagedModel, PrefixBeforeTheFirstLearningStageRecordsNoGraph) {
  StagedModel model = make_initialised(target_spec(tiny_model_config()));
  model.set_learning({false, true, false});
  const std::vector<torch::Tensor> outputs = stage_outputs(model, staged_images(), {});
  EXPECT_FALSE(outputs[0].requires_grad());
  EXPECT_TRUE(outputs[1].requires_grad());
  EXPECT_TRUE(outputs[2].requires_grad());
}

TEST(StagedModel, FrozenStagesPassTheGradientOn) {
  StagedModel all = make_initialised(target_spec(tiny_model_config()));
  StagedModel first_only = make_initialised(target_spec(tiny_model_config()));
  first_only.set_learning({true, false, false});
  all.forward(staged_images(), {}).square().sum().backward();
  first_only.forward(staged_images(), {}).square().sum().backward();
  const std::vector<ParameterInfo> a = all.list_parameters(0), b = first_only.list_parameters(0);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::equal(a[i].tensor.grad(), b[i].tensor.grad()));
}

TEST(StagedModel, StagesThawAgain) {
  StagedModel model = make_initialised(target_spec(tiny_model_config()));
  model.set_learning({false, false, true});
  model.set_learning({true, true, true});
  EXPECT_TRUE(stage_outputs(model, staged_images(), {})[0].requires_grad());
}

TEST(StagedModel, WithoutGradNothingRecordsAGraph) {
  StagedModel model = make_initialised(target_spec(tiny_model_config()));
  const torch::NoGradGuard no_grad;
  EXPECT_FALSE(model.forward(staged_images(), {}).requires_grad());
}

}  // namespace
}  // namespace incubate
