#include "method/start_weights.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/check.h"
#include "checkpoint/checkpoint.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"
#include "support/tiny_model.h"

namespace incubate {
namespace {

constexpr std::uint64_t kSeed = 5;

std::map<std::string, torch::Tensor> weights_of(StagedModel& model, std::int64_t stage) {
  std::map<std::string, torch::Tensor> weights;
  for (const ParameterInfo& p : model.stage(stage).list_parameters()) weights[p.name] = p.tensor.detach();
  return weights;
}

bool equal(const std::map<std::string, torch::Tensor>& a, const std::map<std::string, torch::Tensor>& b) {
  return std::ranges::equal(
      a, b, [](const auto& x, const auto& y) { return x.first == y.first && torch::equal(x.second, y.second); });
}

class StartWeights : public testing::Test {
 protected:
  StartWeights() {
    RunConfig config;
    config.model = tiny_model_config();
    config.batch.global = 20;
    trainings_ = list_trainings(
        config,
        {.num_train = 100, .height = 8, .width = 8, .channels = 1, .class_names = {"a", "b", "c"}, .digest = "0123"});
    run_.create();
  }

  const Training& find(const std::string& name) const { return *std::ranges::find(trainings_, name, &Training::name); }

  /// A finished training whose weights are all `value`: the stages it learns.
  Checkpoint finished(const std::string& name, float value) const {
    const Training& training = find(name);
    Checkpoint checkpoint;
    checkpoint.header = {.training = name,
                         .step = training.total_steps,
                         .identity = training.identity,
                         .identity_text = training.identity_text,
                         .config = {},
                         .figures = {}};
    StagedModel model(training.spec);
    for (std::int64_t i = 0; i < 3; ++i) {
      if (!training.is_learning[i]) continue;
      for (const auto& [parameter, tensor] : weights_of(model, i)) {
        checkpoint.state[stage_key(i, parameter)] = torch::full_like(tensor, value);
      }
    }
    return checkpoint;
  }
  void load(StagedModel& model, const std::string& name) const {
    load_start_weights(model, find(name), trainings_, run_, kSeed);
  }
  std::string error(const std::string& name) const {
    StagedModel model(find(name).spec);
    return thrown_message<InputError>([&] { load(model, name); });
  }

  TemporaryDirectory directory_;
  RunDirectory run_{directory_.path()};
  std::vector<Training> trainings_;
};

TEST_F(StartWeights, WithoutParentsEveryStageIsRandomByItsPhase) {
  StagedModel model(find("meta").spec), expected(find("meta").spec), baseline(find("end_to_end").spec);
  load(model, "meta");
  load(baseline, "end_to_end");
  for (std::int64_t i = 0; i < 3; ++i) {
    expected.stage(i).initialise(kSeed, Phase::meta, i);
    EXPECT_TRUE(equal(weights_of(model, i), weights_of(expected, i)));
    EXPECT_FALSE(equal(weights_of(model, i), weights_of(baseline, i)));
  }
}

TEST_F(StartWeights, AStageIsRandomInsideTheMetaModel) {
  save_checkpoint(run_.finished("meta"), finished("meta", 7));
  StagedModel model(find("stage_1").spec), expected(find("stage_1").spec);
  load(model, "stage_1");
  expected.stage(1).initialise(kSeed, Phase::incubation, 1);
  EXPECT_TRUE(equal(weights_of(model, 1), weights_of(expected, 1)));
  for (const std::int64_t i : {0, 2}) {
    for (const auto& [name, tensor] : weights_of(model, i)) EXPECT_TRUE((tensor == 7).all().item<bool>()) << name;
  }
}

TEST_F(StartWeights, TheAssembledModelHasEachStageFromItsOwnTraining) {
  for (int i = 0; i < 3; ++i) {
    const std::string name = "stage_" + std::to_string(i);
    save_checkpoint(run_.finished(name), finished(name, static_cast<float>(10 + i)));
  }
  StagedModel model(find("finetuned").spec);
  load(model, "finetuned");
  for (int i = 0; i < 3; ++i) {
    for (const auto& [name, tensor] : weights_of(model, i)) EXPECT_TRUE((tensor == 10 + i).all().item<bool>()) << name;
  }
}

TEST_F(StartWeights, AMissingParentIsNamed) {
  EXPECT_EQ(error("stage_0"),
            run_.finished("meta").string() + " cannot be read: No such file or directory. Check the path.");
}

TEST_F(StartWeights, AParentWithOtherSettingsIsRefused) {
  Checkpoint meta = finished("meta", 7);
  meta.header.identity = "other";
  meta.header.identity_text.replace(meta.header.identity_text.find("run.seed=0"), 10, "run.seed=9");
  save_checkpoint(run_.finished("meta"), meta);
  EXPECT_EQ(error("stage_0"), run_.finished("meta").string() +
                                  " was made with other settings ('run.seed=9' there, 'run.seed=0' here). "
                                  "Give another run.directory, or that setting back.");
}

TEST_F(StartWeights, AParentWithOtherTensorsIsRefused) {
  const std::string path = run_.finished("meta");
  Checkpoint meta = finished("meta", 7);
  meta.state[stage_key(1, "blocks.0.norm1.bias")] = torch::zeros({9});
  save_checkpoint(path, meta);
  EXPECT_EQ(error("stage_0"), path + ": /stages/1/blocks.0.norm1.bias has another shape than the model's. Remove it.");
  meta.state.erase(stage_key(1, "blocks.0.norm1.bias"));
  save_checkpoint(path, meta);
  EXPECT_EQ(error("stage_0"),
            path + " lacks /stages/1/blocks.0.norm1.bias. It was written by another model; remove it.");
}

}  // namespace
}  // namespace incubate
