#include "config/identity.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "config/changed_setting.h"

namespace incubate {
namespace {

/// Returns whether `setting` belongs to the recipe in the section that `phase` inherits from.
bool is_inherited(Phase phase, const std::string& setting) {
  const auto from = row_of(phase).inherits;
  if (!from || !setting.starts_with(std::string(section_of(*from)) + ".")) return false;
  // Without effect where there is no average, and where the schedule is a cosine.
  if (setting.ends_with(".ema_ramp") || setting.ends_with(".power")) return false;
  return !setting.ends_with(".epochs") && !setting.ends_with(".steps") && !setting.ends_with(".init") &&
         !setting.ends_with(".image_size");
}

/// Returns the names on the lines of result_settings(), written by hand.
std::vector<std::string> expected_names(const std::string& phase) {
  std::vector<std::string> names = {"model.family",     "model.image_size",  "model.channels",    "model.classes",
                                    "model.patch",      "model.width",       "model.heads",       "model.mlp_ratio",
                                    "model.qkv_bias",   "model.norm_eps",    "model.layer_scale", "data.mean",
                                    "data.std",         "data.crop_padding", "data.flip",         "data.eval_crop",
                                    "batch.global",     "optimizer.name",    "optimizer.beta1",   "optimizer.beta2",
                                    "optimizer.epsilon"};
  for (const char* key :
       {"micro",       "learning_rate", "min_learning_rate", "warmup_epochs",   "warmup_learning_rate",
        "granularity", "weight_decay",  "layer_decay",       "ema_decay",       "drop_path",
        "mixup",       "cutmix",        "clip_norm",         "label_smoothing", "crop",
        "crop_scale",  "color_jitter",  "rand_augment",      "random_erasing",  "repeated_augmentation"}) {
    names.push_back(phase + "." + key);
  }
  if (phase == "high_resolution") names.push_back(phase + ".image_size");
  if (phase == "incubation" || phase == "end_to_end") names.push_back(phase + ".init");
  if (phase == "transfer") names.insert(names.end(), {"transfer.source", "transfer.head"});
  for (const char* name : {"run.seed", "run.sums", "run.threads"}) names.emplace_back(name);
  return names;
}

TEST(Identity, ResultSettingsAreTheseLines) {
  for (const MethodRow& row : kMethodTable) {
    const Phase phase = row.phase;
    RunConfig config;
    std::string expected;
    for (const std::string& name : expected_names(section_of(phase))) {
      for (const Setting& setting : list_settings(config)) {
        const bool is_sums = name == "run.sums";  // auto stands for exact ones on the CPU
        if (setting.name == name) expected += name + "=" + (is_sums ? "exact" : setting.get()) + "\n";
      }
    }
    EXPECT_EQ(result_settings(config, phase), expected);
  }
}

TEST(Identity, ChangesWithTheResultSettingsOfItsPhaseAndWithNothingElse) {
  const RunConfig defaults;
  RunConfig names_only;
  for (std::size_t i = 0; i < list_settings(names_only).size(); ++i) {
    RunConfig config;
    const Setting setting = list_settings(config)[i];
    if (setting.name == "model.preset") continue;  // it sets others, which are in the list themselves
    change(setting);
    for (const MethodRow& row : kMethodTable) {
      const Phase phase = row.phase;
      const bool matters = is_inherited(phase, setting.name) ||
                           std::ranges::count(expected_names(section_of(phase)), setting.name) > 0 ||
                           setting.name == section_of(phase) + std::string(".schedule") ||
                           setting.name == "data.shuffle" || setting.name == "run.precision";
      EXPECT_EQ(result_settings(config, phase) != result_settings(defaults, phase), matters)
          << setting.name << " in " << to_string(phase);
    }
  }
}

TEST(Identity, AutomaticSumsCountAsWhatTheyStandFor) {
  const auto settings = [](SumsChoice sums, DeviceChoice device) {
    RunConfig config;
    config.run.sums = sums;
    config.run.device = device;
    return result_settings(config, Phase::meta);
  };
  const std::string exact = settings(SumsChoice::exact, DeviceChoice::cuda);
  EXPECT_NE(exact.find("\nrun.sums=exact\n"), std::string::npos);
  EXPECT_EQ(settings(SumsChoice::automatic, DeviceChoice::automatic), exact);
  EXPECT_EQ(settings(SumsChoice::automatic, DeviceChoice::cpu), exact);
  EXPECT_EQ(settings(SumsChoice::automatic, DeviceChoice::cuda), settings(SumsChoice::fast, DeviceChoice::cpu));
}

TEST(Identity, ARunSettlesItsSumsByItsDevice) {
  RunSection run;
  settle_sums(run, true);
  EXPECT_EQ(run.sums, SumsChoice::fast);
  settle_sums(run, false);  // no longer open
  EXPECT_EQ(run.sums, SumsChoice::fast);
  RunSection on_cpu;
  settle_sums(on_cpu, false);
  EXPECT_EQ(on_cpu.sums, SumsChoice::exact);
}

TEST(Identity, OfTheOptimizersOnlyTheOneInUseCounts) {
  RunConfig sgd;
  sgd.optimizer.name = OptimizerName::sgd;
  const auto optimizer_lines = [](const RunConfig& config) {
    const std::string text = result_settings(config, Phase::meta);
    const std::size_t begin = text.find("optimizer.");
    return text.substr(begin, text.find("\nmeta.") + 1 - begin);
  };
  EXPECT_EQ(optimizer_lines(sgd), "optimizer.name=sgd\noptimizer.momentum=0.9\noptimizer.nesterov=true\n");
  EXPECT_EQ(optimizer_lines({}),
            "optimizer.name=adamw\noptimizer.beta1=0.9\noptimizer.beta2=0.999\noptimizer.epsilon=1e-08\n");
}

TEST(Identity, ARampOfTheAverageCountsWhereThereIsOne) {
  RunConfig config;
  config.phase(Phase::meta).ema_decay = 0.9;
  const std::string constant = result_settings(config, Phase::meta);
  EXPECT_EQ(constant.find("ramp"), std::string::npos);  // runs of older programs go on
  config.phase(Phase::meta).ema_ramp = true;
  EXPECT_NE(result_settings(config, Phase::meta).find("\nmeta.ema_ramp=true\n"), std::string::npos);
}

TEST(Identity, APolynomialCountsWithItsPower) {
  RunConfig config;
  EXPECT_EQ(result_settings(config, Phase::meta).find("schedule"), std::string::npos);  // runs of older programs go on
  config.phase(Phase::meta).schedule = Schedule::polynomial;
  EXPECT_NE(result_settings(config, Phase::meta).find("\nmeta.schedule=polynomial\nmeta.power=1\n"), std::string::npos);
}

TEST(Identity, TheSizeOfBlocksCountsWhereThereAreSome) {
  RunConfig config;
  config.data.shuffle = Shuffle::block;
  EXPECT_NE(result_settings(config, Phase::meta).find("\ndata.shuffle=block\ndata.shuffle_block=1024\n"),
            std::string::npos);
}

TEST(Identity, OfAResidualNetworkHasItsOwnSettingsAndNoneOfAVisionTransformer) {
  RunConfig vit;
  RunConfig resnet;
  resnet.model.family = Family::resnet;
  for (const char* name : {"model.patch", "model.width", "model.heads", "model.mlp_ratio", "model.qkv_bias",
                           "model.layer_scale", "model.widths", "model.group_depth"}) {
    const std::string line = "\n" + std::string(name) + "=";
    const bool is_of_resnet = std::string(name) == "model.widths" || std::string(name) == "model.group_depth";
    EXPECT_EQ(result_settings(resnet, Phase::meta).find(line) != std::string::npos, is_of_resnet) << name;
    EXPECT_EQ(result_settings(vit, Phase::meta).find(line) != std::string::npos, !is_of_resnet) << name;
  }
}

TEST(Identity, APresetCountsByWhatItSetsAlone) {
  RunConfig named;
  RunConfig spelt_out;
  for (const Setting& setting : list_settings(named)) {
    if (setting.name == "model.preset") setting.set("deit_ti");
  }
  spelt_out.model.width = 192;
  spelt_out.model.heads = 3;
  EXPECT_EQ(result_settings(named, Phase::meta), result_settings(spelt_out, Phase::meta));
}

// The expected hash is XXH3's of the empty text, from the test vectors of xxHash (seed 0).
TEST(Identity, HashOfTextIsXxh3With128Bits) {
  EXPECT_EQ(hash_text(""), "99aa06d3014798d86001c324468d497f");
  EXPECT_NE(hash_text("a"), hash_text("b"));
  EXPECT_EQ(hash_text("a").size(), 32);
}

}  // namespace
}  // namespace incubate
