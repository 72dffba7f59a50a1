#include "method/training.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "base/check.h"
#include "config/validate.h"
#include "support/thrown_message.h"
#include "support/tiny_model.h"

namespace incubate {
namespace {

using Names = std::vector<std::string>;

const Names kDeepIncubation = {"meta", "stage_0", "stage_1", "stage_2", "finetuned"};
const Names kAll = {"meta",       "stage_0", "stage_1", "stage_2",         "finetuned",
                    "end_to_end", "grown",   "shallow", "high_resolution", "end_to_end_high_resolution",
                    "transfer"};

RunConfig example_run() {
  RunConfig config;
  config.model = tiny_model_config();
  config.data.file = "d.h5";
  config.batch.global = 20;
  config.phase(Phase::meta).epochs.count = 3;
  config.phase(Phase::incubation).epochs.count = 2.5;
  config.phase(Phase::finetuning).epochs.count = 0.7;
  return config;
}

DatasetInfo example_data() {
  return {.num_train = 109,
          .num_validation = 10,
          .height = 8,
          .width = 8,
          .channels = 1,
          .class_names = {"a", "b", "c"},
          .digest = "0123"};
}

std::vector<Training> list(const RunConfig& config) { return list_trainings(config, example_data()); }

const Training& find(const std::vector<Training>& trainings, const std::string& name) {
  return *std::ranges::find(trainings, name, &Training::name);
}

TEST(TrainingList, ParentsComeFirst) {
  Names names;
  for (const Training& training : list(example_run())) {
    for (const std::string& parent : training.parents()) EXPECT_EQ(std::ranges::count(names, parent), 1) << parent;
    names.push_back(training.name);
  }
  EXPECT_EQ(names, kAll);
}

TEST(TrainingList, WeightsComeFromTheMethodsSources) {
  const std::vector<Training> trainings = list(example_run());
  EXPECT_EQ(find(trainings, "meta").weight_sources, (Names{"", "", ""}));
  EXPECT_EQ(find(trainings, "stage_0").weight_sources, (Names{"", "meta", "meta"}));
  EXPECT_EQ(find(trainings, "stage_1").weight_sources, (Names{"meta", "", "meta"}));
  EXPECT_EQ(find(trainings, "stage_2").weight_sources, (Names{"meta", "meta", ""}));
  EXPECT_EQ(find(trainings, "finetuned").weight_sources, (Names{"stage_0", "stage_1", "stage_2"}));
  EXPECT_EQ(find(trainings, "end_to_end").weight_sources, (Names{"", "", ""}));
  EXPECT_EQ(find(trainings, "grown").weight_sources, (Names{"meta", "meta", "meta"}));
  EXPECT_EQ(find(trainings, "shallow").weight_sources, (Names{"", "", ""}));
  EXPECT_EQ(find(trainings, "stage_1").parents(), Names{"meta"});
  EXPECT_EQ(find(trainings, "finetuned").parents(), (Names{"stage_0", "stage_1", "stage_2"}));
  EXPECT_EQ(find(trainings, "end_to_end").parents(), Names{});
  EXPECT_EQ(find(trainings, "grown").parents(), Names{"meta"});
}

TEST(TrainingList, StagesStartAsTheSettingsHaveIt) {
  using Starts = std::vector<Start>;
  RunConfig config = example_run();
  const std::vector<Training> usual = list(config);
  config.phase(Phase::incubation).init = Init::meta;
  config.phase(Phase::end_to_end).init = Init::zero_branches;
  const std::vector<Training> other = list(config);
  EXPECT_EQ(find(usual, "stage_1").starts, (Starts{Start::copy, Start::random, Start::copy}));
  EXPECT_EQ(find(other, "stage_1").starts, (Starts{Start::copy, Start::grow, Start::copy}));
  EXPECT_EQ(find(other, "stage_1").weight_sources, (Names{"meta", "meta", "meta"}));
  EXPECT_EQ(find(usual, "end_to_end").starts, Starts(3, Start::random));
  EXPECT_EQ(find(other, "end_to_end").starts, Starts(3, Start::zero_branches));
  EXPECT_EQ(find(usual, "finetuned").starts, Starts(3, Start::copy));
  EXPECT_EQ(find(usual, "grown").starts, Starts(3, Start::grow));
  EXPECT_EQ(find(usual, "shallow").starts, Starts(3, Start::random));
}

/// Returns the trainings that `names` and run.only choose.
Names chosen(const Names& names, const std::string& only = "") {
  RunConfig config = example_run();
  config.method.trainings = names;
  config.run.only = only;
  Names result;
  for (const Training& training : list(config)) {
    if (training.is_chosen) result.push_back(training.name);
  }
  return result;
}

TEST(TrainingList, WhatIsChosenComesWithItsParents) {
  EXPECT_EQ(chosen(RunConfig().method.trainings),
            (Names{"meta", "stage_0", "stage_1", "stage_2", "finetuned", "end_to_end"}));
  EXPECT_EQ(chosen({"deep_incubation"}), kDeepIncubation);
  EXPECT_EQ(chosen({"finetuned"}), kDeepIncubation);
  EXPECT_EQ(chosen({"grown"}), (Names{"meta", "grown"}));
  EXPECT_EQ(chosen({"shallow", "stage_1"}), (Names{"meta", "stage_1", "shallow"}));
  EXPECT_EQ(chosen({"high_resolution"}),
            (Names{"meta", "stage_0", "stage_1", "stage_2", "finetuned", "high_resolution"}));
  EXPECT_EQ(chosen({"end_to_end_high_resolution"}), (Names{"end_to_end", "end_to_end_high_resolution"}));
  EXPECT_EQ(chosen({"end_to_end"}), Names{"end_to_end"});
  EXPECT_EQ(chosen({"end_to_end"}, "shallow"), (Names{"end_to_end", "shallow"}));
}

void set(RunConfig& config, const std::string& name, const std::string& value) {
  const std::vector<Setting> settings = list_settings(config);
  std::ranges::find(settings, name, &Setting::name)->set(value);
}

TEST(TrainingList, WhatIsChosenIsValidatedWithItsParents) {
  for (const std::string& name : kAll) {
    RunConfig config = example_run();
    config.data.mean = {0.5};
    config.data.std = {0.5};
    config.method.trainings = {name};
    config.transfer.from = "weights.safetensors";
    set(config, "recipe.micro", "5");
    EXPECT_NO_THROW(validate(config)) << name;
    for (const Training& training : list(config)) {
      if (!training.is_chosen) continue;
      RunConfig bad = config;
      const std::string setting = std::string(section_of(training.phase)) + ".micro";
      set(bad, setting, "3");
      EXPECT_EQ(thrown_message<InputError>([&] { validate(bad); }),
                "batch.global=20 is not a multiple of " + setting +
                    "=3 (every micro-batch has the same size). Use a multiple of 3, such as 21.")
          << name;
    }
  }
}

TEST(TrainingList, AStageLearnsAloneInsideTheMetaModel) {
  using Depths = std::vector<std::int64_t>;
  using Learning = std::vector<bool>;
  const std::vector<Training> trainings = list(example_run());
  const auto expect = [&](const std::string& name, Phase phase, const Depths& depths, const Learning& learning) {
    EXPECT_EQ(find(trainings, name).phase, phase) << name;
    EXPECT_EQ(find(trainings, name).spec.depths, depths) << name;
    EXPECT_EQ(find(trainings, name).is_learning, learning) << name;
  };
  expect("meta", Phase::meta, {1, 1, 1}, {true, true, true});
  expect("stage_0", Phase::incubation, {2, 1, 1}, {true, false, false});
  expect("stage_1", Phase::incubation, {1, 1, 1}, {false, true, false});
  expect("stage_2", Phase::incubation, {1, 1, 2}, {false, false, true});
  expect("finetuned", Phase::finetuning, {2, 1, 2}, {true, true, true});
  expect("end_to_end", Phase::end_to_end, {2, 1, 2}, {true, true, true});
  expect("grown", Phase::grown, {2, 1, 2}, {true, true, true});
  expect("shallow", Phase::shallow, {1, 1, 1}, {true, true, true});
  expect("high_resolution", Phase::high_resolution, {2, 1, 2}, {true, true, true});
  expect("end_to_end_high_resolution", Phase::end_to_end_high_resolution, {2, 1, 2}, {true, true, true});
}

TEST(TrainingList, BothMethodsAreFinetunedAtTheSameHighResolution) {
  RunConfig config = example_run();
  config.phase(Phase::high_resolution).image_size = 12;
  config.phase(Phase::high_resolution).epochs.count = 2;
  const std::vector<Training> trainings = list(config);
  for (const auto& [name, source] :
       {std::pair{"high_resolution", "finetuned"}, std::pair{"end_to_end_high_resolution", "end_to_end"}}) {
    const Training& training = find(trainings, name);
    EXPECT_EQ(training.spec.image_size, 12);
    EXPECT_EQ(training.total_steps, 10);
    EXPECT_EQ(training.starts, std::vector(3, Start::resample));
    EXPECT_EQ(training.weight_sources, Names(3, source));
    EXPECT_EQ(find(trainings, source).spec.image_size, 8);
  }
}

TEST(TrainingList, StepsAreEpochsOfWholeBatches) {
  RunConfig config = example_run();
  config.phase(Phase::end_to_end).epochs = {.count = 0.01, .matched = false};
  config.phase(Phase::grown).epochs = {.count = 1, .matched = false};
  config.phase(Phase::shallow).epochs = {.count = 2, .matched = false};
  const std::vector<Training> trainings = list(config);  // 109 / 20: 5 steps an epoch
  EXPECT_EQ(find(trainings, "meta").total_steps, 15);
  EXPECT_EQ(find(trainings, "stage_2").total_steps, 13);  // 12.5 rounds away from zero
  EXPECT_EQ(find(trainings, "finetuned").total_steps, 4);
  EXPECT_EQ(find(trainings, "end_to_end").total_steps, 1);  // at least one
  EXPECT_EQ(find(trainings, "grown").total_steps, 5);
  EXPECT_EQ(find(trainings, "shallow").total_steps, 10);
}

TEST(TrainingList, StepsMayBeGivenInsteadOfEpochs) {
  RunConfig by_steps = example_run(), by_epochs = example_run();
  by_steps.phase(Phase::meta).epochs.steps = 15;
  by_steps.phase(Phase::end_to_end).epochs.steps = 7;
  const std::vector<Training> trainings = list(by_steps);
  EXPECT_EQ(find(trainings, "end_to_end").total_steps, 7);
  EXPECT_EQ(find(trainings, "meta").identity, find(list(by_epochs), "meta").identity);  // 3 epochs
}

TEST(TrainingList, MatchedControlsSpendWhatDeepIncubationSpends) {
  // Costs of a step in passes of a block: meta 9, the incubations 10 + 6 + 8, finetuning 15 (the target), shallow 9.
  for (const std::int64_t epochs : {1, 3, 17}) {
    RunConfig config = example_run();
    config.phase(Phase::meta).epochs.count = static_cast<double>(epochs);
    const std::vector<Training> trainings = list(config);
    const auto after_meta = static_cast<double>((24 * 13) + (15 * 4));
    const auto spent = static_cast<double>(9 * 5 * epochs) + after_meta;
    EXPECT_EQ(find(trainings, "end_to_end").total_steps, std::llround(spent / 15));
    EXPECT_EQ(find(trainings, "grown").total_steps, std::llround(after_meta / 15));
    EXPECT_EQ(find(trainings, "shallow").total_steps, std::llround(spent / 9));
  }
}

TEST(TrainingList, MatchedControlsAreWithinHalfAStep) {
  const std::vector<Training> trainings = list(example_run());
  double spent = 0;
  for (const std::string& name : kDeepIncubation) spent += find(trainings, name).block_flops(20);
  const auto expect = [&](const std::string& name, double with_parents, std::int64_t blocks) {
    const double per_step =
        3 * static_cast<double>(blocks) * block_forward_flops(find(trainings, name).spec, 0, 0) * 20;
    EXPECT_EQ(find(trainings, name).block_flops(20), per_step * static_cast<double>(find(trainings, name).total_steps));
    EXPECT_LE(std::fabs(with_parents - spent), per_step / 2) << name;
  };
  expect("end_to_end", find(trainings, "end_to_end").block_flops(20), 5);
  expect("grown", find(trainings, "meta").block_flops(20) + find(trainings, "grown").block_flops(20), 5);
  expect("shallow", find(trainings, "shallow").block_flops(20), 3);
}

TEST(TrainingList, BlockFlopsFollowFromDepthsAndLearningStages) {
  const std::vector<Training> trainings = list(example_run());
  const double block = block_forward_flops(find(trainings, "meta").spec, 0, 0);
  EXPECT_EQ(find(trainings, "meta").block_flops_per_image, 9 * block);
  EXPECT_EQ(find(trainings, "stage_0").block_flops_per_image, (6 + 2 + 2) * block);
  EXPECT_EQ(find(trainings, "stage_1").block_flops_per_image, (1 + 3 + 2) * block);
  EXPECT_EQ(find(trainings, "stage_2").block_flops_per_image, (1 + 1 + 6) * block);
  EXPECT_EQ(find(trainings, "finetuned").block_flops_per_image, 15 * block);
}

/// Returns the trainings whose identity changes with the configuration or the data.
Names changed(const RunConfig& config, const DatasetInfo& data = example_data()) {
  Names names;
  const std::vector<Training> before = list(example_run()), after = list_trainings(config, data);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i].identity != after[i].identity) names.push_back(before[i].name);
  }
  return names;
}

TEST(TrainingIdentity, ChangesPassFromParentsToChildren) {
  RunConfig config = example_run();
  config.phase(Phase::meta).learning_rate *= 2;
  EXPECT_EQ(changed(config), (Names{"meta", "stage_0", "stage_1", "stage_2", "finetuned", "grown", "high_resolution"}));
  config = example_run();
  config.phase(Phase::incubation).learning_rate *= 2;
  EXPECT_EQ(changed(config), (Names{"stage_0", "stage_1", "stage_2", "finetuned", "high_resolution"}));
  config = example_run();
  config.phase(Phase::finetuning).learning_rate *= 2;
  EXPECT_EQ(changed(config), (Names{"finetuned", "high_resolution"}));
  config = example_run();
  config.phase(Phase::end_to_end).learning_rate *= 2;
  EXPECT_EQ(changed(config), (Names{"end_to_end", "end_to_end_high_resolution"}));
  config = example_run();
  config.phase(Phase::grown).learning_rate *= 2;
  EXPECT_EQ(changed(config), Names{"grown"});
  config = example_run();
  config.phase(Phase::shallow).learning_rate *= 2;
  EXPECT_EQ(changed(config), Names{"shallow"});
  config = example_run();
  config.phase(Phase::high_resolution).image_size = 12;
  EXPECT_EQ(changed(config), (Names{"high_resolution", "end_to_end_high_resolution"}));
  config = example_run();
  config.transfer.from = "elsewhere.safetensors";
  EXPECT_EQ(changed(config), Names{});
  config.transfer.source = "0123";
  EXPECT_EQ(changed(config), Names{"transfer"});
}

TEST(TrainingIdentity, FirstWeightsMatter) {
  RunConfig config = example_run();
  config.phase(Phase::incubation).init = Init::meta;
  EXPECT_EQ(changed(config), (Names{"stage_0", "stage_1", "stage_2", "finetuned", "high_resolution"}));
  config = example_run();
  config.phase(Phase::end_to_end).init = Init::zero_branches;
  EXPECT_EQ(changed(config), (Names{"end_to_end", "end_to_end_high_resolution"}));
}

TEST(TrainingIdentity, DoesNotDependOnWhatElseIsChosen) {
  RunConfig config = example_run();
  for (const std::string& name : kAll) {
    config.method.trainings = {name};
    EXPECT_EQ(changed(config), Names{}) << name;
  }
}

TEST(TrainingIdentity, ChangesWithTheNumberOfSteps) {
  RunConfig config = example_run();
  config.phase(Phase::finetuning).epochs.count = 1;
  EXPECT_EQ(changed(config), (Names{"finetuned", "end_to_end", "grown", "shallow", "high_resolution",
                                    "end_to_end_high_resolution"}));  // the matched ones last longer too
  config.phase(Phase::finetuning).epochs.count = 0.71;                // rounds to the same 4 steps
  EXPECT_EQ(changed(config), Names{});
}

TEST(TrainingIdentity, DepthsMatterToThoseThatHaveThem) {
  RunConfig config = example_run();
  for (const Phase phase : {Phase::end_to_end, Phase::grown, Phase::shallow}) {
    config.phase(phase).epochs = {.count = 5, .matched = false};
  }
  const std::vector<Training> before = list(config);
  config.model.depths[2] = 3;
  const std::vector<Training> after = list(config);
  Names names;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i].identity != after[i].identity) names.push_back(before[i].name);
  }
  EXPECT_EQ(names, (Names{"stage_2", "finetuned", "end_to_end", "grown", "high_resolution",
                          "end_to_end_high_resolution", "transfer"}));
}

TEST(TrainingIdentity, SharedSettingsAndDataMatterToAll) {
  RunConfig config = example_run();
  config.run.seed = 1;
  EXPECT_EQ(changed(config), kAll);
  config = example_run();
  config.optimizer.beta2 = 0.9;
  EXPECT_EQ(changed(config), kAll);
  DatasetInfo data = example_data();
  data.digest = "4567";
  EXPECT_EQ(changed(example_run(), data), kAll);
}

TEST(TrainingIdentity, OperationSettingsDoNotMatter) {
  RunConfig config = example_run();
  config.run.directory = "elsewhere";
  config.run.timeout_s = 7;
  config.run.only = "meta";
  config.run.device = DeviceChoice::cpu;
  config.run.progress = ProgressStyle::none;
  config.data.file = "moved.h5";
  config.run.round_cost_s = 8;
  config.checkpoint.every_steps = 3;
  config.checkpoint.every_minutes = 2;
  config.checkpoint.keep = 9;
  EXPECT_EQ(changed(config), Names{});
}

TEST(TrainingIdentity, OfAllTrainingsDiffer) {
  Names identities;
  for (const Training& training : list(example_run())) {
    EXPECT_EQ(std::ranges::count(identities, training.identity), 0) << training.name;
    identities.push_back(training.identity);
  }
}

TEST(TrainingList, DataThatDoesNotFitIsRefused) {
  const auto message = [](auto change) {
    RunConfig config = example_run();
    DatasetInfo data = example_data();
    change(config, data);
    return thrown_message<InputError>([&] { list_trainings(config, data); });
  };
  EXPECT_EQ(message([](RunConfig&, DatasetInfo& d) { d.width = 9; }),
            "d.h5 has images of 8x9 pixels but model.image_size=8. Set it to the images' size, or meta.crop=resized.");
  EXPECT_EQ(
      message([](RunConfig& c, DatasetInfo& d) {
        c.phase(Phase::meta).crop = c.phase(Phase::incubation).crop = c.phase(Phase::finetuning).crop =
            Crop::resized;  // not end to end
        d.width = 9;
      }),
      "d.h5 has images of 8x9 pixels but model.image_size=8. Set it to the images' size, or end_to_end.crop=resized.");
  EXPECT_EQ(message([](RunConfig& c, DatasetInfo& d) {
              c.phase(Phase::meta).crop = c.phase(Phase::incubation).crop = c.phase(Phase::finetuning).crop =
                  c.phase(Phase::end_to_end).crop = Crop::resized;
              d.width = 9;
            }),
            "(no error)");
  EXPECT_EQ(message([](RunConfig&, DatasetInfo& d) { d.channels = 3; }),
            "d.h5 has images of 3 channels but model.channels=1. Set it to 3.");
  EXPECT_EQ(message([](RunConfig& c, DatasetInfo&) { c.model.classes = 4; }),
            "d.h5 has 3 classes but model.classes=4. Set it to 3.");
  EXPECT_EQ(message([](RunConfig&, DatasetInfo& d) { d.num_train = 19; }),
            "d.h5 has 19 training images, fewer than batch.global=20 (an epoch is a number of whole batches). "
            "Use a batch of 19 or less.");
}

}  // namespace
}  // namespace incubate
