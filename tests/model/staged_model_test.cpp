#include "model/staged_model.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "model/drop_path.h"
#include "support/tiny_model.h"

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
  EXPECT_TRUE(torch::equal(model.forward(staged_images(), kept), x));
  EXPECT_FALSE(torch::equal(model.forward(staged_images(), {}), x));
}

TEST(StagedModel, AllStagesLearnAtFirst) {
  StagedModel model = make_initialised(target_spec(tiny_model_config()));
  EXPECT_EQ(model.is_learning(), (std::vector<bool>{true, true, true}));
  model.forward(staged_images(), {}).sum().backward();
  for (int i = 0; i < 3; ++i) {
    for (const ParameterInfo& p : model.stage(i).list_parameters()) EXPECT_TRUE(p.tensor.grad().defined()) << p.name;
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
      for (const ParameterInfo& p : model.stage(i).list_parameters()) {
        EXPECT_EQ(p.tensor.grad().defined(), i == learning) << "stage " << i << ", " << p.name;
      }
    }
  }
}

TEST(StagedModel, PrefixBeforeTheFirstLearningStageRecordsNoGraph) {
  StagedModel model = make_initialised(target_spec(tiny_model_config()));
  model.set_learning({false, true, false});
  const std::vector<torch::Tensor> outputs = model.stage_outputs(staged_images(), {});
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
  const std::vector<ParameterInfo> a = all.stage(0).list_parameters(), b = first_only.stage(0).list_parameters();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::equal(a[i].tensor.grad(), b[i].tensor.grad()));
}

TEST(StagedModel, StagesThawAgain) {
  StagedModel model = make_initialised(target_spec(tiny_model_config()));
  model.set_learning({false, false, true});
  model.set_learning({true, true, true});
  EXPECT_TRUE(model.stage_outputs(staged_images(), {})[0].requires_grad());
}

TEST(StagedModel, WithoutGradNothingRecordsAGraph) {
  StagedModel model = make_initialised(target_spec(tiny_model_config()));
  const torch::NoGradGuard no_grad;
  EXPECT_FALSE(model.forward(staged_images(), {}).requires_grad());
}

}  // namespace
}  // namespace incubate
