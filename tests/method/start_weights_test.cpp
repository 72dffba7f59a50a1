#include "method/start_weights.h"

#include <algorithm>
#include <array>

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
  for (const ParameterInfo& p : model.list_parameters(stage)) weights[p.name] = p.tensor.detach();
  return weights;
}

bool equal(const std::map<std::string, torch::Tensor>& a, const std::map<std::string, torch::Tensor>& b) {
  return std::ranges::equal(
      a, b, [](const auto& x, const auto& y) { return x.first == y.first && torch::equal(x.second, y.second); });
}

class StartWeights : public testing::Test {
 protected:
  StartWeights() {
    config_.model = tiny_model_config();
    config_.batch.global = 20;
    list();
    run_.create();
  }

  void list() {
    trainings_ = list_trainings(
        config_,
        {.num_train = 100, .height = 8, .width = 8, .channels = 1, .class_names = {"a", "b", "c"}, .digest = "0123"});
  }

  const Training& find(const std::string& name) const { return *std::ranges::find(trainings_, name, &Training::name); }

  /// Returns a finished training whose learned stages have only the weight `value`.
  Checkpoint finished(const std::string& name, float value) const {
    const Training& training = find(name);
    Checkpoint checkpoint;
    checkpoint.header = {.training = name,
                         .step = training.total_steps,
                         .identity = training.identity,
                         .identity_text = training.identity_text,
                         .config = {},
                         .figures = {}};
    StagedModel model = make_classifier(training.spec);
    for (std::int64_t i = 0; i < 3; ++i) {
      if (!training.is_learning[i]) continue;
      for (const auto& [parameter, tensor] : weights_of(model, i)) {
        checkpoint.state[stage_key(i, parameter)] = torch::full_like(tensor, value);
      }
    }
    return checkpoint;
  }
  void load(StagedModel& model, const std::string& name) const {
    VerifiedFiles none;
    load_start_weights(model, find(name), trainings_, run_, kSeed, none);
  }
  std::string error(const std::string& name) const {
    StagedModel model = make_classifier(find(name).spec);
    return thrown_message<InputError>([&] { load(model, name); });
  }

  TemporaryDirectory directory_;
  RunDirectory run_{directory_.path()};
  RunConfig config_;
  std::vector<Training> trainings_;
};

TEST_F(StartWeights, WithoutParentsEveryStageIsRandomByItsPhase) {
  StagedModel model = make_classifier(find("meta").spec);
  StagedModel expected = make_classifier(find("meta").spec);
  StagedModel baseline = make_classifier(find("end_to_end").spec);
  load(model, "meta");
  load(baseline, "end_to_end");
  for (std::int64_t i = 0; i < 3; ++i) {
    expected.initialise(i, kSeed, Phase::meta);
    EXPECT_TRUE(equal(weights_of(model, i), weights_of(expected, i)));
    EXPECT_FALSE(equal(weights_of(model, i), weights_of(baseline, i)));
  }
}

TEST_F(StartWeights, AStageIsRandomInsideTheMetaModel) {
  save_checkpoint(run_.finished("meta"), finished("meta", 7));
  StagedModel model = make_classifier(find("stage_1").spec);
  StagedModel expected = make_classifier(find("stage_1").spec);
  load(model, "stage_1");
  expected.initialise(1, kSeed, Phase::incubation);
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
  StagedModel model = make_classifier(find("finetuned").spec);
  load(model, "finetuned");
  for (int i = 0; i < 3; ++i) {
    for (const auto& [name, tensor] : weights_of(model, i)) EXPECT_TRUE((tensor == 10 + i).all().item<bool>()) << name;
  }
}

/// Returns whether the last projections of a block are zero, and other weights are random, or 1 (norms).
bool is_identity(StagedModel& model, std::int64_t stage, std::int64_t block) {
  const std::string prefix = "blocks." + std::to_string(block) + ".";
  std::map<std::string, torch::Tensor> weights = weights_of(model, stage);
  EXPECT_TRUE(weights.at(prefix + "attn.qkv.weight").any().item<bool>());
  return std::ranges::none_of(std::array{"attn.proj.weight", "attn.proj.bias", "mlp.fc2.weight", "mlp.fc2.bias"},
                              [&](const char* name) { return weights.at(prefix + name).any().item<bool>(); });
}

TEST_F(StartWeights, AGrownModelIsTheMetaModelWithBlocksThatAreTheIdentity) {
  save_checkpoint(run_.finished("meta"), finished("meta", 7));
  StagedModel model = make_classifier(find("grown").spec);
  StagedModel random = make_classifier(find("grown").spec);
  load(model, "grown");
  for (std::int64_t i = 0; i < 3; ++i) {
    random.initialise(i, kSeed, Phase::grown);
    const std::map<std::string, torch::Tensor> drawn = weights_of(random, i);
    for (const auto& [name, tensor] : weights_of(model, i)) {
      const bool is_added = name.starts_with("blocks.1.");
      const bool is_zero = name.find("attn.proj") != std::string::npos || name.find("mlp.fc2") != std::string::npos;
      if (!is_added) {
        EXPECT_TRUE((tensor == 7).all().item<bool>()) << name;
      } else if (!is_zero) {
        EXPECT_TRUE(torch::equal(tensor, drawn.at(name))) << name;
      }
    }
  }
  EXPECT_TRUE(is_identity(model, 0, 1));
  EXPECT_TRUE(is_identity(model, 2, 1));
  EXPECT_FALSE(is_identity(model, 2, 0));
}

TEST_F(StartWeights, AStageIsGrownInsideTheMetaModelIfAskedTo) {
  config_.phase(Phase::incubation).init = Init::meta;
  list();
  save_checkpoint(run_.finished("meta"), finished("meta", 7));
  StagedModel model = make_classifier(find("stage_2").spec);
  load(model, "stage_2");
  for (std::int64_t i = 0; i < 3; ++i) {
    for (const auto& [name, tensor] : weights_of(model, i)) {
      if (name.starts_with("blocks.1.")) continue;
      EXPECT_TRUE((tensor == 7).all().item<bool>()) << name;
    }
  }
  EXPECT_TRUE(is_identity(model, 2, 1));
}

TEST_F(StartWeights, EndToEndBeginsWithoutBranchesIfAskedTo) {
  StagedModel usual = make_classifier(find("end_to_end").spec);
  load(usual, "end_to_end");
  EXPECT_FALSE(is_identity(usual, 0, 0));
  config_.phase(Phase::end_to_end).init = Init::zero_branches;
  list();
  StagedModel model = make_classifier(find("end_to_end").spec);
  load(model, "end_to_end");
  for (const auto& [stage, block] : {std::pair{0, 0}, {0, 1}, {1, 0}, {2, 0}, {2, 1}}) {
    EXPECT_TRUE(is_identity(model, stage, block)) << stage << " " << block;
  }
  EXPECT_TRUE(torch::equal(weights_of(model, 2)["head.weight"], weights_of(usual, 2)["head.weight"]));
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
