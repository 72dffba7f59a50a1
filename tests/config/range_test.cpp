// Tests for every setting which values it refuses by itself, and in which words.
#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/check.h"
#include "config/parse.h"
#include "config/run_config.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

struct Expected {
  std::vector<std::string> outside;
  std::vector<std::string> inside;
  std::string message;  ///< behind "name=value "
};

const std::string kOut = "is out of range. Give ";
const Expected kCounted = {
    {"0", "-3", "1000000001", "9223372036854775807"}, {"1", "1000000000"}, kOut + "1 to 1000000000."};
const Expected kFromZero = {{"-1"}, {"0", "9223372036854775807"}, kOut + "0 or more."};
const Expected kRate = {{"-0.5", "1000000001"}, {"0", "1e9"}, kOut + "0 to 1000000000."};
const Expected kDecay = {{"1", "-0.1"}, {"0", "0.9999999"}, kOut + "0 to 0.9999999."};
const Expected kBelowOne = {{"1", "-0.1"}, {"0", "0.99"}, kOut + "0 to 0.99."};
const Expected kShare = {{"1.5", "-1"}, {"0", "1"}, kOut + "0 to 1."};
const Expected kPartOf = {{"0", "-1", "1.01"}, {"1", "0.01"}, kOut + "more than 0 and at most 1."};
const Expected kAlpha = {{"-0.1", "101"}, {"0", "100"}, kOut + "0 to 100."};
const Expected kSeconds = {{"-1", "1000001"}, {"0", "1e6"}, kOut + "0 to 1000000."};
const Expected kEpochs = {{"0", "-1", "1000001"}, {"0.01", "1e6"}, kOut + "more than 0 and at most 1000000."};
const Expected kMatched = {{"0", "-1"}, {"0.01", "matched"}, kOut + "more than 0 and at most 1000000, or matched."};
const Expected kThreads = {{"0", "1025"}, {"1", "1024"}, kOut + "1 to 1024."};
const Expected kChoice = {{"no such word"}, {}, "is not one of its values. Give "};
const Expected kSwitch = {{"yes", "1"}, {"true", "false"}, "is neither true nor false. Give true or false."};
const Expected kAnything = {};

/// Settings of each phase and of [recipe], except the length.
const std::map<std::string, Expected> kOfPhases = {
    {"micro", kCounted},
    {"learning_rate", kRate},
    {"min_learning_rate", kRate},
    {"warmup_epochs", kRate},
    {"warmup_learning_rate", kRate},
    {"schedule", kChoice},
    {"power", {{"0", "-1"}, {"1"}, "is out of range (the rate falls). Give more than 0, such as 0.9."}},
    {"granularity", kChoice},
    {"weight_decay", kRate},
    {"layer_decay",
     {{"0", "-1", "1.01"},
      {"1", "0.5"},
      "is out of range (0 would stop all layers but the last). Give more than 0 and at most 1, such as 0.75."}},
    {"ema_decay", kDecay},
    {"ema_ramp", kSwitch},
    {"drop_path", kBelowOne},
    {"mixup", kAlpha},
    {"cutmix", kAlpha},
    {"clip_norm", kRate},
    {"label_smoothing", kBelowOne},
    {"crop", kChoice},
    {"crop_scale", kPartOf},
    {"color_jitter", kShare},
    {"rand_augment", kAnything},
    {"random_erasing", kShare},
    {"repeated_augmentation", kCounted}};

std::map<std::string, Expected> expected_of_all() {
  std::map<std::string, Expected> all = {
      {"model.preset", kChoice},
      {"model.family", kChoice},
      {"model.image_size", kCounted},
      {"model.channels", kCounted},
      {"model.classes",
       {{"1", "0", "1000000001"},
        {"2"},
        "is out of range (one class leaves nothing to tell apart). Give 2 to 1000000000."}},
      {"model.patch", kCounted},
      {"model.width", kCounted},
      {"model.heads", kCounted},
      {"model.mlp_ratio",
       {{"0", "-3", "1001"},
        {"1000", "4.5"},
        "is out of range (an MLP has a hidden layer). Give more than 0 and at most 1000, such as 4."}},
      {"model.qkv_bias", kSwitch},
      {"model.norm_eps",
       {{"0", "1.1"},
        {"1"},
        "is out of range (it keeps the division finite). Give more than 0 and at most 1, such as 1e-6."}},
      {"model.layer_scale",
       {{"-1", "1001"}, {"0", "1000"}, "is out of range (0: no factors). Give 0 to 1000, such as 1e-4."}},
      {"model.widths", kCounted},
      {"model.group_depth", kCounted},
      {"model.depths", kCounted},
      {"model.meta_depths", kCounted},
      {"data.file", kAnything},
      {"data.mean", kAnything},
      {"data.std", {{"0", "-1"}, {"1e-9", "1000"}, "is out of range (it divides). Give more than 0."}},
      {"data.crop_padding", {{"-1", "1000000001"}, {"0", "1000000000"}, kOut + "0 to 1000000000."}},
      {"data.flip", kSwitch},
      {"data.eval_crop", kPartOf},
      {"data.shuffle", kChoice},
      {"data.shuffle_block", kCounted},
      {"data.workers", {{"-1", "1025"}, {"0", "1024"}, kOut + "0 to 1024."}},
      {"data.prefetch", kThreads},
      {"data.on_error", kChoice},
      {"data.cache", kChoice},
      {"data.cache_directory", kAnything},
      {"batch.global", kCounted},
      {"optimizer.name", kChoice},
      {"optimizer.momentum", kDecay},
      {"optimizer.nesterov", kSwitch},
      {"optimizer.beta1", kDecay},
      {"optimizer.beta2", kDecay},
      {"optimizer.epsilon",
       {{"0", "-1"}, {"1"}, "is out of range (it keeps the division finite). Give more than 0, such as 1e-8."}},
      {"train.on_nonfinite", kChoice},
      {"train.evaluate_every",
       {{"0", "-1"},
        {"0.01", "3"},
        "is out of range (it is a time). Give more than 0 and at most 1000000000, such as 0.1."}},
      {"train.evaluate_images", {{"-1", "1000000001"}, {"0", "1000000000"}, kOut + "0 to 1000000000."}},
      {"incubation.init", kChoice},
      {"end_to_end.init", kChoice},
      {"high_resolution.image_size", kCounted},
      {"transfer.from", kAnything},
      {"transfer.source", kAnything},
      {"transfer.head", kChoice},
      {"method.trainings", kAnything},
      {"run.directory", kAnything},
      {"run.parent", kAnything},
      {"run.seed", kFromZero},
      {"run.sums", kChoice},
      {"run.precision", kChoice},
      {"run.recompute", kChoice},
      {"run.threads", kThreads},
      {"run.instructions", kChoice},
      {"run.device", kChoice},
      {"run.timeout_s", {{"0", "1000001"}, {"1", "1e6"}, kOut + "1 to 1000000."}},
      {"run.grace_seconds", kSeconds},
      {"run.round_cost_s", kSeconds},
      {"run.progress", kChoice},
      {"run.only", kAnything},
      {"run.peak_tflops", kRate},
      {"run.profile", kFromZero},
      {"run.shard_optimizer", kSwitch},
      {"run.cuda_graph", kSwitch},
      {"run.nvtx", kSwitch},
      {"checkpoint.every_steps", kFromZero},
      {"checkpoint.every_minutes", kSeconds},
      {"checkpoint.keep", kCounted}};
  const std::set<std::string> may_be_matched = {"end_to_end", "grown", "shallow"};
  for (const std::string section : {"recipe", "meta", "incubation", "finetuning", "end_to_end", "grown", "shallow",
                                    "high_resolution", "transfer"}) {
    all[section + ".epochs"] = may_be_matched.contains(section) ? kMatched : kEpochs;
    all[section + ".steps"] = {{"-1", "1000000001"}, {"0", "1000000000"}, kOut + "0 to 1000000000."};
    for (const auto& [key, expected] : kOfPhases) all[section + "." + key] = expected;
  }
  return all;
}

std::string error_of(const std::string& argument) {
  RunConfig config;
  return thrown_message<InputError>([&] { parse_arguments({argument}, list_settings(config)); });
}

TEST(Range, EverySettingRefusesWhatIsOutsideAsItIsTyped) {
  std::map<std::string, Expected> expected = expected_of_all();
  RunConfig config;
  for (const Setting& setting : list_settings(config)) {
    const auto row = expected.extract(setting.name);
    ASSERT_FALSE(row.empty()) << setting.name << ": say here what it refuses";
    const auto& [outside, inside, message] = row.mapped();
    for (const std::string& value : outside) {
      const std::string given = setting.name + "=" + value;
      EXPECT_TRUE(error_of("--" + given).starts_with(given + " " + message)) << given << ": " << error_of("--" + given);
    }
    for (const std::string& value : inside) {
      EXPECT_EQ(error_of("--" + setting.name + "=" + value), "(no error)") << setting.name;
    }
  }
  EXPECT_TRUE(expected.empty()) << expected.begin()->first << " is no setting";
}

TEST(Range, OfAListTheItemIsNamed) {
  const std::string range = ", which is out of range. Give 1 to 1000000000.";
  EXPECT_EQ(error_of("--model.depths=3,0,3,3"), "model.depths=3,0,3,3 has 0" + range);
  EXPECT_EQ(error_of("--model.meta_depths=1,1,1,-1"), "model.meta_depths=1,1,1,-1 has -1" + range);
  EXPECT_EQ(error_of("--model.depths=3,9223372036854775807,3,3"),
            "model.depths=3,9223372036854775807,3,3 has 9223372036854775807" + range);
  EXPECT_EQ(error_of("--model.widths=16,32,1000000001"), "model.widths=16,32,1000000001 has 1000000001" + range);
  EXPECT_EQ(error_of("--data.std=1,0,1"),
            "data.std=1,0,1 has 0, which is out of range (it divides). Give more than 0.");
}

TEST(Range, WhereNothingMayBeMatchedTheWordIsOutsideToo) {
  for (const std::string section : {"recipe", "meta", "incubation", "finetuning", "high_resolution", "transfer"}) {
    EXPECT_EQ(error_of("--" + section + ".epochs=matched"), section + ".epochs=matched " + kEpochs.message);
  }
}

}  // namespace
}  // namespace incubate
