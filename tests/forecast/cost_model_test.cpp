#include "forecast/cost_model.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "config/network.h"
#include "forecast/made_up_training.h"
#include "model/stage_cost.h"
#include "support/tiny_model.h"
#include "support/tiny_resnet.h"

namespace incubate {
namespace {

std::int64_t count(const std::vector<torch::Tensor>& parameters) {
  std::int64_t sum = 0;
  for (const torch::Tensor& parameter : parameters) sum += parameter.numel();
  return sum;
}

std::int64_t count_parameters(StagedModel& model, std::int64_t stage_index) {
  std::vector<torch::Tensor> tensors;
  for (const ParameterInfo& p : model.list_parameters(stage_index)) tensors.push_back(p.tensor);
  return count(tensors);
}

Training everything(const ModelSpec& spec) { return training_of(spec, std::vector<bool>(spec.num_stages(), true)); }

TEST(CostModel, ParametersAreThoseOfTheNetwork) {
  const ModelSpec spec = target_spec(tiny_model_config());
  StagedModel model = make_classifier(spec);
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < model.num_stages(); ++i) {
    EXPECT_EQ(num_stage_parameters(everything(spec), i), count_parameters(model, i)) << i;
    sum += count_parameters(model, i);
  }
  EXPECT_EQ(num_parameters(everything(spec)), sum);
}

// Dosovitskiy et al. (2021), table 1 has 86, 307 and 632 million.
TEST(CostModel, ParametersOfVisionTransformers) {
  ModelConfig base;
  EXPECT_EQ(num_parameters(everything(target_spec(base))), 86'567'656);  // timm's vit_base_patch16_224
  ModelConfig huge;
  huge.patch = 14;
  huge.width = 1280;
  huge.heads = 16;
  huge.depths = {8, 8, 8, 8};
  EXPECT_EQ(num_parameters(everything(target_spec(huge))), 632'045'800);  // timm's vit_huge_patch14_224
}

TEST(CostModel, ParametersOfOptionalParts) {
  for (const double layer_scale : {0.0, 0.1}) {
    for (const bool qkv_bias : {true, false}) {
      ModelConfig config = tiny_model_config();
      config.layer_scale = layer_scale;
      config.qkv_bias = qkv_bias;
      const ModelSpec spec = target_spec(config);
      StagedModel model = make_classifier(spec);
      for (std::int64_t i = 0; i < model.num_stages(); ++i) {
        EXPECT_EQ(num_stage_parameters(everything(spec), i), count_parameters(model, i)) << i;
      }
    }
  }
}

TEST(CostModel, ParametersOfResnet110) {
  ModelConfig config;
  apply_preset("resnet110", config);
  EXPECT_EQ(num_parameters(everything(target_spec(config))), 1'733'812);
  config.classes = 10;
  EXPECT_EQ(num_parameters(everything(target_spec(config))), 1'727'962);  // He et al. (2016), table 6 has 1.7 million
}

TEST(CostModel, ParametersAndStatisticsAreThoseOfAResidualNetwork) {
  for (const ModelConfig& config : {tiny_resnet_config(), two_stage_resnet_config()}) {
    for (const ModelSpec& spec : {target_spec(config), meta_spec(config), hybrid_spec(config, 1)}) {
      StagedModel model = make_classifier(spec);
      for (std::int64_t i = 0; i < model.num_stages(); ++i) {
        std::vector<torch::Tensor> statistics;
        for (const StatisticInfo& s : model.stage(i).list_statistics()) statistics.push_back(s.running);
        EXPECT_EQ(num_stage_parameters(everything(spec), i), count_parameters(model, i)) << i;
        EXPECT_EQ(stage_cost(spec, i).num_statistics, count(statistics)) << i;
      }
    }
  }
}

TEST(CostModel, MemoryOfAResidualNetwork) {
  // Stages of two blocks, 4 channels of 8x8, 8 of 4x4, 16 of 2x2: maps of 256, 128 and 64 values, three classes.
  const ModelSpec spec = target_spec(tiny_resnet_config());
  const Training training = training_of(spec, {false, true, false});
  const Memory memory = memory_per_rank({&training}, {.micro = 3, .has_average = true});
  std::int64_t statistics = 0;
  for (std::int64_t i = 0; i < 3; ++i) statistics += stage_cost(spec, i).num_statistics;
  EXPECT_EQ(memory.weights, 4 * (num_parameters(everything(spec)) + statistics));
  const std::int64_t learning = num_learning_parameters(training);
  EXPECT_EQ(memory.optimizer, 8 * learning);
  EXPECT_EQ(memory.gradients, 4 * (learning + (2 * 4 * 8)));  // four norms with 8 channels
  EXPECT_EQ(memory.average, memory.gradients);
  EXPECT_EQ(memory.sums, 2 * memory.gradients);
  EXPECT_EQ(reduced_bytes_per_step(training, Sums::exact), memory.sums);
  // Each block keeps its input and three maps; then come the last output, two sets of logits and an image. The backward
  // pass holds two maps and an input of the learning stage's first block, and adds the gradient of a weight.
  const std::int64_t kept = (256 + (3 * 128)) + (4 * 128) + (128 + (3 * 64)) + (4 * 64) + 64 + (2 * 3);
  EXPECT_EQ(memory.activations, (3 * 4 * (kept + 64 + (2 * 128) + 256)) + (4 * 9 * 8 * 8));
}

TEST(CostModel, OnlyLearningParametersAreReduced) {
  const Training training = incubation_of(2);
  const std::int64_t learning = num_stage_parameters(training, 2);
  EXPECT_EQ(num_learning_parameters(training), learning);
  EXPECT_EQ(reduced_bytes_per_step(training, Sums::exact), 8 * learning);
  EXPECT_EQ(reduced_bytes_per_step(training, Sums::fast), 4 * learning);
}

TEST(CostModel, RingAllReduce) {
  EXPECT_EQ(ring_all_reduce_s(1000, 1, 10), 0);
  EXPECT_DOUBLE_EQ(ring_all_reduce_s(1000, 2, 10), 100);
  EXPECT_DOUBLE_EQ(ring_all_reduce_s(1000, 4, 10), 150);
  EXPECT_EQ(ring_all_reduce_s(1000, 4, 0), 0);  // an unknown network
}

TEST(CostModel, MemoryOfATrainingOfEverything) {
  const ModelSpec spec = target_spec(tiny_model_config());
  const Training training = training_of(spec, {true, true, true});
  const std::int64_t parameters = num_parameters(everything(spec));
  const Memory exact = memory_per_rank({&training}, {.micro = 3});
  EXPECT_EQ(exact.weights, 4 * parameters);
  EXPECT_EQ(exact.gradients, 4 * parameters);
  EXPECT_EQ(exact.optimizer, 8 * parameters);
  EXPECT_EQ(exact.sums, 8 * parameters);
  EXPECT_EQ(exact.average, 0);
  EXPECT_EQ(memory_per_rank({&training}, {.sums = Sums::fast}).sums, 4 * parameters);
  const ActivationBytes activations = activations_of(training, {.micro = 3});
  EXPECT_EQ(exact.activations, activations.kept + activations.working());
}

TEST(CostModel, OptimizerAndAverageKeepTheirNumbersForWhatLearns) {
  const Training training = incubation_of(2);
  const std::int64_t bytes = 4 * num_learning_parameters(training);
  const auto optimizer_bytes = [&](const OptimizerConfig& optimizer) {
    return memory_per_rank({&training}, {.optimizer = optimizer}).optimizer;
  };
  EXPECT_EQ(optimizer_bytes({}), 2 * bytes);
  EXPECT_EQ(optimizer_bytes({.name = OptimizerName::sgd}), bytes);
  EXPECT_EQ(optimizer_bytes({.name = OptimizerName::sgd, .momentum = 0, .nesterov = false}), 0);
  // Chunks are whole blocks of 1024; the last rank has what is left over.
  const std::int64_t count = bytes / 4;
  const Memory sharded = memory_per_rank({&training}, {.shard_optimizer = true, .num_ranks = 3});
  EXPECT_EQ(sharded.optimizer, 8 * (count - (2 * 1024 * (count / 3 / 1024))));
  const Memory plain = memory_per_rank({&training}, {});
  const Memory averaged = memory_per_rank({&training}, {.has_average = true});
  EXPECT_EQ(averaged.average, bytes);
  EXPECT_EQ(averaged.total(), plain.total() + bytes);
}

TEST(CostModel, MemoryDependsOnTheseSettings) {
  RunConfig config;
  config.phase(Phase::incubation).micro = 17;
  config.phase(Phase::incubation).ema_decay = 0.9;
  config.run.sums = SumsChoice::fast;
  config.run.cuda_graph = true;
  config.phase(Phase::meta).drop_path = 0;
  config.phase(Phase::incubation).drop_path = 0.1;  // with which nothing is recorded
  config.optimizer.name = OptimizerName::sgd;
  const MemorySettings settings = memory_settings(config, Phase::incubation);
  EXPECT_EQ(settings.micro, 17);
  EXPECT_TRUE(settings.has_average);
  EXPECT_EQ(settings.sums, Sums::fast);
  EXPECT_EQ(settings.optimizer.name, OptimizerName::sgd);
  EXPECT_FALSE(settings.is_recorded);
  EXPECT_FALSE(memory_settings(config, Phase::meta).has_average);
  EXPECT_TRUE(memory_settings(config, Phase::meta).is_recorded);
}

TEST(CostModel, FrozenStagesInFrontKeepTheirOutputsAlone) {
  const ModelSpec spec = target_spec(tiny_model_config());  // 5 tokens of width 8, images of 8 x 8, 3 classes
  const auto kept = [](const Training& training) { return activations_of(training, {}).kept; };
  const auto of_stage = [&](std::int64_t i, StageUse use) { return stage_activations(spec, i, use).kept; };
  constexpr std::int64_t kImage = 4 * 64, kLogits = 2 * 4 * 3, kClassToken = 4 * 8, kTokens = 4 * 5 * 8;
  EXPECT_EQ(kept(training_of(spec, {true, false, false})), kImage + of_stage(0, StageUse::learning) +
                                                               of_stage(1, StageUse::frozen) +
                                                               of_stage(2, StageUse::frozen) + kLogits);
  // The output of the last frozen stage is the learning one's input; a learning head keeps its input.
  EXPECT_EQ(kept(training_of(spec, {false, false, true})),
            kImage + kTokens + of_stage(2, StageUse::learning) + kLogits + kClassToken);
  EXPECT_LT(of_stage(0, StageUse::frozen), of_stage(0, StageUse::learning));
}

TEST(CostModel, RecomputedBlocksKeepLess) {
  const Training training = everything(target_spec(tiny_model_config()));
  EXPECT_LT(memory_per_rank({&training}, {.recompute = Recompute::blocks}).activations,
            memory_per_rank({&training}, {}).activations);
}

TEST(CostModel, AGroupHasFrozenStagesOnce) {
  const Training a = incubation_of(0);
  const Training b = incubation_of(2);
  const Memory memory = memory_per_rank({&a, &b}, {});
  // Stage 1 is frozen in both.
  EXPECT_EQ(memory.weights, 4 * (num_parameters(a) + num_parameters(b) - num_stage_parameters(a, 1)));
  EXPECT_EQ(memory.gradients, 4 * (num_learning_parameters(a) + num_learning_parameters(b)));
  EXPECT_EQ(memory.activations, std::max(memory_per_rank({&a}, {}).activations, memory_per_rank({&b}, {}).activations));
}

}  // namespace
}  // namespace incubate
