#include "config/validate.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/check.h"
#include "config/parse.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

std::string validation_error(const std::vector<std::string>& arguments) {
  RunConfig config;
  config.data.file = "x.h5";
  parse_arguments(arguments, list_settings(config));
  return thrown_message<InputError>([&] { validate(config); });
}

struct Case {
  std::vector<std::string> arguments;
  std::string message;
};

void PrintTo(const Case& c, std::ostream* stream) { *stream << c.arguments.front(); }

class Validate : public testing::TestWithParam<Case> {};

TEST_P(Validate, RefusesWithTheProblemItsReasonAndTheRemedy) {
  EXPECT_EQ(validation_error(GetParam().arguments), GetParam().message);
}

std::vector<Case> not_positive() {
  std::vector<Case> cases;
  for (const std::string name :
       {"model.image_size", "model.channels", "model.patch", "model.width", "model.heads", "model.mlp_ratio",
        "batch.global", "meta.micro", "incubation.micro", "finetuning.micro", "end_to_end.micro", "grown.micro",
        "shallow.micro", "train.evaluate_every", "checkpoint.keep"}) {
    for (const std::string value : {"0", "-3"}) {
      cases.push_back({{"--" + name + "=" + value}, name + "=" + value + " is not positive. Give 1 or more."});
    }
  }
  return cases;
}

std::vector<Case> too_large() {
  std::vector<Case> cases;
  for (const std::string name :
       {"model.image_size", "model.channels", "model.classes", "model.patch", "model.width", "model.heads",
        "model.mlp_ratio", "batch.global", "meta.micro", "data.crop_padding", "checkpoint.keep"}) {
    for (const std::string value : {"1000000001", "9223372036854775807"}) {
      cases.push_back({{"--" + name + "=" + value}, name + "=" + value + " is too large. Give 1000000000 or less."});
    }
  }
  cases.push_back({{"--model.depths=3,9223372036854775807,3,3"},
                   "model.depths=9223372036854775807 is too large. Give 1000000000 or less."});
  cases.push_back({{"--model.preset=resnet110", "--model.group_depth=4611686018427387904"},
                   "model.group_depth=4611686018427387904 is too large. Give 1000000000 or less."});
  cases.push_back({{"--model.preset=resnet110", "--model.widths=16,32,1000000001"},
                   "model.widths=1000000001 is too large. Give 1000000000 or less."});
  cases.push_back({{"--high_resolution.image_size=9223372036854775807", "--method.trainings=high_resolution"},
                   "high_resolution.image_size=9223372036854775807 is too large. Give 1000000000 or less."});
  return cases;
}

std::vector<Case> out_of_range() {
  std::vector<Case> cases;
  const auto add = [&](const std::string& name, const std::string& value, const std::string& range) {
    cases.push_back({{"--" + name + "=" + value}, name + "=" + value + " is out of range. Give " + range + "."});
  };
  for (const std::string phase :
       {"meta", "incubation", "finetuning", "end_to_end", "grown", "shallow", "high_resolution"}) {
    for (const std::string key : {".learning_rate", ".min_learning_rate", ".warmup_epochs", ".warmup_learning_rate",
                                  ".weight_decay", ".clip_norm"}) {
      add(phase + key, "-0.5", "0 to 1000000000");
    }
    add(phase + ".ema_decay", "1", "0 to 0.9999999");
    add(phase + ".ema_decay", "-0.1", "0 to 0.9999999");
    for (const std::string key : {".drop_path", ".label_smoothing"}) {
      add(phase + key, "1", "0 to 0.99");
      add(phase + key, "-0.1", "0 to 0.99");
    }
  }
  add("model.layer_scale", "-1", "0 (no factors) to 1000, such as 1e-4");
  add("optimizer.momentum", "1", "0 to 0.9999999");
  add("optimizer.momentum", "-0.5", "0 to 0.9999999");
  add("optimizer.beta1", "1", "0 to 0.9999999");
  add("optimizer.beta2", "1", "0 to 0.9999999");
  add("run.timeout_s", "0", "1 to 1000000");
  add("run.grace_seconds", "-1", "0 to 1000000");
  return cases;
}

std::vector<Case> not_possible_layer_decays() {
  std::vector<Case> cases;
  for (const std::string phase : {"meta", "incubation", "finetuning", "end_to_end", "grown", "shallow"}) {
    for (const std::string value : {"0", "-1", "1.01"}) {
      cases.push_back({{"--" + phase + ".layer_decay=" + value},
                       phase + ".layer_decay=" + value +
                           " is out of range (0 would stop all layers but the last). Give more than 0 and at most 1, "
                           "such as 0.75."});
    }
  }
  return cases;
}

std::vector<Case> not_possible_epochs() {
  std::vector<Case> cases;
  for (const std::string phase : {"meta", "incubation", "finetuning", "high_resolution"}) {
    for (const std::string value : {"0", "-1", "matched"}) {
      cases.push_back({{"--" + phase + ".epochs=" + value},
                       phase + ".epochs=" + value + " is not possible. Give a positive number up to 1e6."});
    }
  }
  for (const std::string phase : {"end_to_end", "grown", "shallow"}) {
    cases.push_back({{"--" + phase + ".epochs=0"},
                     phase + ".epochs=0 is not possible. Give a positive number up to 1e6 or matched."});
  }
  return cases;
}

/// config.ini and the ranks other than 0 get settings as INI text, which these values would not survive.
std::vector<Case> not_printable() {
  std::vector<Case> cases;
  for (const std::string text : {"a #b", "#", " a", "a ", "\"a\"", "'a"}) {
    cases.push_back({{"--data.file=" + text},
                     "data.file=" + text +
                         " cannot be written to a configuration file (where a # behind a space begins a comment, "
                         "and quotes around a value or spaces at its ends are lost). Choose another."});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(NotPrintable, Validate, testing::ValuesIn(not_printable()));
INSTANTIATE_TEST_SUITE_P(NotPositive, Validate, testing::ValuesIn(not_positive()));
INSTANTIATE_TEST_SUITE_P(TooLarge, Validate, testing::ValuesIn(too_large()));
INSTANTIATE_TEST_SUITE_P(OutOfRange, Validate, testing::ValuesIn(out_of_range()));
INSTANTIATE_TEST_SUITE_P(LayerDecay, Validate, testing::ValuesIn(not_possible_layer_decays()));
INSTANTIATE_TEST_SUITE_P(Epochs, Validate, testing::ValuesIn(not_possible_epochs()));
INSTANTIATE_TEST_SUITE_P(
    Model, Validate,
    testing::Values(
        Case{{"--model.classes=1"}, "model.classes=1 leaves nothing to tell apart. Give 2 or more."},
        Case{{"--model.image_size=8"},
             "model.image_size=8 is not a multiple of model.patch=16 (patches must tile the image). Use 16."},
        Case{{"--model.image_size=30"},
             "model.image_size=30 is not a multiple of model.patch=16 (patches must tile the image). Use 16 or 32."},
        Case{
            {"--method.trainings=high_resolution", "--high_resolution.image_size=390"},
            "high_resolution.image_size=390 is not a multiple of model.patch=16 (patches must tile the image). Use 384 "
            "or 400."},
        Case{{"--run.only=end_to_end_high_resolution", "--high_resolution.image_size=0"},
             "high_resolution.image_size=0 is not positive. Give 1 or more."},
        Case{{"--model.width=100"},
             "model.width=100 is not a multiple of model.heads=12 (heads share the width evenly). Use a width of 108."},
        Case{{"--model.depths=3"}, "model.depths has 1 stages; incubation needs at least 2, such as 3,3,3,3."},
        Case{{"--model.depths=3,3,3"},
             "model.depths has 3 stages but model.meta_depths has 4 (they stand for the same stages). Give as many."},
        Case{{"--model.depths=3,0,3,3"},
             "stage 1 has 0 blocks in model.depths and 1 in model.meta_depths. Give 1 or more."},
        Case{{"--model.meta_depths=1,1,1,-1"},
             "stage 3 has 3 blocks in model.depths and -1 in model.meta_depths. Give 1 or more."}));
std::vector<Case> bad_resnets() {
  const std::string widths =
      " are not 1 to 16 positive, ascending widths (what passes by a block gets channels added, never taken away). "
      "Give such, like 16,32,64.";
  const std::string meta_depths = " (a residual network's meta model keeps some of the target's ";
  std::vector<Case> cases = {{{"--model.widths=16,8,32"}, "model.widths=16,8,32" + widths},
                             {{"--model.widths="}, "model.widths=" + widths},
                             {{"--model.widths=0,8,16"}, "model.widths=0,8,16" + widths},
                             {{"--model.group_depth=0"}, "model.group_depth=0 is not positive. Give 1 or more."},
                             {{"--model.image_size=4"},
                              "model.image_size=4 leaves less than 2x2 pixels to the last of 3 groups in model.widths, "
                              "each of which halves the "
                              "image. Use 5 or more."},
                             {{"--model.depths=18,18,17"},
                              "model.depths=18,18,17 has 53 blocks but 3 groups of model.group_depth=18 have 54 "
                              "(stages and groups are the same "
                              "blocks). Make them equal."},
                             {{"--model.meta_depths=1,19,1"},
                              "stage 1 has 19 blocks in model.meta_depths" + meta_depths +
                                  "18 blocks, and all 1 that halve the image). Give 1 to 18."},
                             {{"--model.depths=17,20,17"},
                              "stage 1 has 1 blocks in model.meta_depths" + meta_depths +
                                  "20 blocks, and all 2 that halve the image). Give 2 to 20."}};
  for (Case& c : cases) c.arguments.insert(c.arguments.begin(), "--model.preset=resnet110");
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Resnet, Validate, testing::ValuesIn(bad_resnets()));
INSTANTIATE_TEST_SUITE_P(
    Data, Validate,
    testing::Values(Case{{"--data.file="}, "data.file is missing. Name a file written by 'incubate pack'."},
                    Case{{"--data.mean=0.5"}, "data.mean has 1 values but model.channels=3. Give one a channel."},
                    Case{{"--data.std=1,1"}, "data.std has 2 values but model.channels=3. Give one a channel."},
                    Case{{"--data.std=1,0,1"}, "data.std=0 is not positive (it divides). Give more than 0."},
                    Case{{"--data.shuffle_block=0"}, "data.shuffle_block=0 is not positive. Give 1 or more."},
                    Case{{"--run.threads=0"}, "run.threads=0 is out of range. Give 1 to 1024."},
                    Case{{"--run.threads=1025"}, "run.threads=1025 is out of range. Give 1 to 1024."},
                    Case{{"--data.workers=-1"}, "data.workers=-1 is out of range. Give 0 to 1024."},
                    Case{{"--data.prefetch=0"}, "data.prefetch=0 is out of range. Give 1 to 1024."},
                    Case{
                        {"--data.shuffle=block", "--meta.repeated_augmentation=3"},
                        "meta.repeated_augmentation=3 does not go with data.shuffle=block (repeats would fall into one "
                        "micro-batch). Give 1, or data.shuffle=global."},
                    Case{{"--data.crop_padding=-1"}, "data.crop_padding=-1 is negative. Give 0 or more."},
                    Case{{"--data.eval_crop=0"}, "data.eval_crop=0 is out of range. Give more than 0, up to 1."}));
INSTANTIATE_TEST_SUITE_P(
    Augmentation, Validate,
    testing::Values(
        Case{{"--meta.crop_scale=0.5"},
             "meta.crop_scale=0.5 is not a range of shares. Give a least and a largest one, such as 0.08,1."},
        Case{{"--meta.crop_scale=0.5,0.4"},
             "meta.crop_scale=0.5,0.4 is not a range of shares. Give a least and a largest one, such as 0.08,1."},
        Case{{"--incubation.color_jitter=1.5"}, "incubation.color_jitter=1.5 is out of range. Give 0 to 1."},
        Case{{"--finetuning.random_erasing=-1"}, "finetuning.random_erasing=-1 is out of range. Give 0 to 1."},
        Case{{"--meta.repeated_augmentation=0"}, "meta.repeated_augmentation=0 is not positive. Give 1 or more."},
        Case{{"--meta.rand_augment=rand-m12"}, "meta.rand_augment: m=12 is out of range. Give 0 to 10."},
        Case{{"--meta.rand_augment=rand-m9", "--model.channels=2", "--data.mean=0,0", "--data.std=1,1"},
             "model.channels=2 but meta.rand_augment knows grey and colour images only. Switch it off."}));
INSTANTIATE_TEST_SUITE_P(
    Batch, Validate,
    testing::Values(Case{{"--batch.global=1000"},
                         "batch.global=1000 is not a multiple of meta.micro=256 (every micro-batch has the same size). "
                         "Use a multiple of 256, such as 1024."},
                    Case{{"--batch.global=16384", "--finetuning.micro=1"},
                         "batch.global=16384 makes 16384 micro-batches of finetuning.micro=1; exact sums hold 8192. "
                         "Use larger micro-batches."}));
INSTANTIATE_TEST_SUITE_P(
    Rest, Validate,
    testing::Values(
        Case{{"--optimizer.name=sgd", "--optimizer.momentum=0"},
             "optimizer.nesterov=true looks ahead along the momentum, but optimizer.momentum=0. Give a momentum, such "
             "as 0.9, or optimizer.nesterov=false."},
        Case{{"--optimizer.epsilon=0"},
             "optimizer.epsilon=0 is not positive (it keeps the division finite). Give more than 0, such as 1e-8."},
        Case{{"--model.norm_eps=0"},
             "model.norm_eps=0 is out of range (it keeps the division finite). Give more than 0 and at most 1, such as "
             "1e-6."},
        Case{{"--run.seed=-1"}, "run.seed=-1 is negative. Give 0 or more."},
        Case{{"--run.nvtx=true", "--run.profile=3"},
             "run.nvtx=true and run.profile=3 are two profilers, of which one can be on at a time. Give one of them."},
        Case{{"--run.profile=-1"}, "run.profile=-1 is negative. Give 0 or more."},
        Case{{"--run.peak_tflops=-1"}, "run.peak_tflops=-1 is out of range. Give 0 to 1000000000."},
        Case{{"--run.only=stage_4"},
             "run.only=stage_4 is not a training of this method. Give one of meta, stage_0, stage_1, stage_2, stage_3, "
             "finetuned, end_to_end, grown, shallow, high_resolution, end_to_end_high_resolution."},
        Case{{"--method.trainings=end_to_end,grwn"},
             "method.trainings=end_to_end,grwn names 'grwn', which is not a training of this method. Give some of "
             "deep_incubation, meta, stage_0, stage_1, stage_2, stage_3, finetuned, end_to_end, grown, shallow, "
             "high_resolution, "
             "end_to_end_high_resolution."},
        Case{{"--method.trainings="},
             "method.trainings is empty, which leaves nothing to train. Give some of deep_incubation, meta, stage_0, "
             "stage_1, stage_2, stage_3, finetuned, end_to_end, grown, shallow, high_resolution, "
             "end_to_end_high_resolution."},
        Case{{"--run.only=grown", "--model.depths=3,1,3,3", "--model.meta_depths=1,2,1,1"},
             "stage 1 has 1 blocks in model.depths but 2 in model.meta_depths: it cannot be grown from the meta model, "
             "as the training grown has it. Give 1 or less in model.meta_depths."},
        Case{{"--incubation.init=meta", "--model.depths=3,1,3,3", "--model.meta_depths=1,2,1,1"},
             "stage 1 has 1 blocks in model.depths but 2 in model.meta_depths: it cannot be grown from the meta model, "
             "as incubation.init=meta has it. Give 1 or less in model.meta_depths."}));

TEST(ValidateAccepts, Defaults) { EXPECT_EQ(validation_error({}), "(no error)"); }

TEST(ValidateAccepts, ResidualNetworksCutAnywhere) {
  for (const std::vector<std::string>& cut : {std::vector<std::string>{},
                                              {"--model.depths=27,27", "--model.meta_depths=1,1"},
                                              {"--model.depths=14,13,13,14", "--model.meta_depths=1,1,1,1"},
                                              {"--model.depths=1,52,1", "--model.meta_depths=1,2,1"},
                                              {"--model.patch=5"}}) {  // which is a vision transformer's
    std::vector<std::string> given = {"--model.preset=resnet110"};
    given.insert(given.end(), cut.begin(), cut.end());
    EXPECT_EQ(validation_error(given), "(no error)") << testing::PrintToString(cut);
  }
}

TEST(ValidateAccepts, EveryTrainingOnItsOwn) {
  for (const char* only :
       {"meta", "stage_0", "stage_3", "finetuned", "end_to_end", "grown", "shallow", "high_resolution", ""}) {
    EXPECT_EQ(validation_error({"--run.only=" + std::string(only)}), "(no error)") << only;
  }
}

TEST(ValidateAccepts, TrainingsByNameAndTogether) {
  for (const char* names : {"deep_incubation", "stage_3, grown", "shallow,shallow", "meta,finetuned,end_to_end"}) {
    EXPECT_EQ(validation_error({"--method.trainings=" + std::string(names)}), "(no error)") << names;
  }
}

TEST(ValidateAccepts, MicroBatchesThatDoNotFitWhereTheyDoNotRun) {
  const auto with_micro = [](const std::string& phase, const std::string& choice) {
    return validation_error({"--batch.global=2048", "--" + phase + ".micro=7", choice});
  };
  const std::string phases[] = {"meta",  "incubation", "finetuning",     "end_to_end",
                                "grown", "shallow",    "high_resolution"};
  const std::map<std::string, std::set<std::string>> running = {
      {"meta", {"meta"}},
      {"stage_1", {"meta", "incubation"}},
      {"finetuned", {"meta", "incubation", "finetuning"}},
      {"deep_incubation", {"meta", "incubation", "finetuning"}},
      {"end_to_end", {"end_to_end"}},
      {"grown", {"meta", "end_to_end", "grown"}},
      {"shallow", {"meta", "shallow"}},
      {"high_resolution", {"meta", "incubation", "finetuning", "high_resolution"}},
      {"end_to_end_high_resolution", {"end_to_end", "high_resolution"}}};
  for (const auto& [training, its_phases] : running) {
    for (const std::string& phase : phases) {
      const bool is_inherited =
          (training == "grown" && phase == "end_to_end") || (training == "shallow" && phase == "meta");
      EXPECT_EQ(with_micro(phase, "--method.trainings=" + training),
                its_phases.contains(phase)
                    ? "batch.global=2048 is not a multiple of " + (is_inherited ? training : phase) +
                          ".micro=7 (every micro-batch has the same size). Use a multiple of 7, such as 2051."
                    : "(no error)")
          << training;
    }
  }
  EXPECT_NE(with_micro("grown", "--run.only=grown"), "(no error)");
}

TEST(ValidateAccepts, NoMomentumWithoutNesterovOrWithoutSgd) {
  EXPECT_EQ(validation_error({"--optimizer.name=sgd", "--optimizer.momentum=0", "--optimizer.nesterov=false"}),
            "(no error)");
  EXPECT_EQ(validation_error({"--optimizer.momentum=0"}), "(no error)");
}

TEST(ValidateAccepts, ValuesAtTheEndsOfTheirRanges) {
  EXPECT_EQ(validation_error({"--meta.drop_path=0.99", "--meta.label_smoothing=0.99", "--meta.learning_rate=0",
                              "--meta.layer_decay=1", "--meta.ema_decay=0.9999999", "--run.timeout_s=1",
                              "--model.classes=2", "--batch.global=524288", "--end_to_end.epochs=0.01"}),
            "(no error)");
}

}  // namespace
}  // namespace incubate
