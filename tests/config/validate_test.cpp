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
INSTANTIATE_TEST_SUITE_P(
    Model, Validate,
    testing::Values(
        Case{{"--model.image_size=8"},
             "model.image_size=8 is not a multiple of model.patch=16 (patches must tile the image). Use 16."},
        Case{{"--model.image_size=30"},
             "model.image_size=30 is not a multiple of model.patch=16 (patches must tile the image). Use 16 or 32."},
        Case{
            {"--method.trainings=high_resolution", "--high_resolution.image_size=390"},
            "high_resolution.image_size=390 is not a multiple of model.patch=16 (patches must tile the image). Use 384 "
            "or 400."},
        Case{{"--model.width=100"},
             "model.width=100 is not a multiple of model.heads=12 (heads share the width evenly). Use a width of 108."},
        Case{{"--model.depths=3"}, "model.depths has 1 stages; incubation needs at least 2, such as 3,3,3,3."},
        Case{{"--model.depths=3,3,3"},
             "model.depths has 3 stages but model.meta_depths has 4 (they stand for the same stages). Give as many."}));

std::vector<Case> bad_resnets() {
  const std::string widths =
      " are not 1 to 16 ascending widths (what passes by a block gets channels added, never taken away). "
      "Give such, like 16,32,64.";
  const std::string meta_depths = " (a residual network's meta model keeps some of the target's ";
  std::vector<Case> cases = {{{"--model.widths=16,8,32"}, "model.widths=16,8,32" + widths},
                             {{"--model.widths="}, "model.widths=" + widths},
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
                    Case{
                        {"--data.shuffle=block", "--meta.repeated_augmentation=3"},
                        "meta.repeated_augmentation=3 does not go with data.shuffle=block (repeats would fall into one "
                        "micro-batch). Give 1, or data.shuffle=global."}));
INSTANTIATE_TEST_SUITE_P(
    Augmentation, Validate,
    testing::Values(
        Case{{"--meta.crop_scale=0.5"},
             "meta.crop_scale=0.5 is not a range of shares. Give a least and a largest one, such as 0.08,1."},
        Case{{"--meta.crop_scale=0.5,0.4"},
             "meta.crop_scale=0.5,0.4 is not a range of shares. Give a least and a largest one, such as 0.08,1."},
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
        Case{{"--run.nvtx=true", "--run.profile=3"},
             "run.nvtx=true and run.profile=3 are two profilers, of which one can be on at a time. Give one of them."},
        Case{{"--run.only=stage_4"},
             "run.only=stage_4 is not a training of this method. Give one of meta, stage_0, stage_1, stage_2, stage_3, "
             "finetuned, end_to_end, grown, shallow, high_resolution, end_to_end_high_resolution, transfer."},
        Case{{"--method.trainings=end_to_end,grwn"},
             "method.trainings=end_to_end,grwn names 'grwn', which is not a training of this method. Give some of "
             "deep_incubation, meta, stage_0, stage_1, stage_2, stage_3, finetuned, end_to_end, grown, shallow, "
             "high_resolution, "
             "end_to_end_high_resolution, transfer."},
        Case{{"--method.trainings="},
             "method.trainings is empty, which leaves nothing to train. Give some of deep_incubation, meta, stage_0, "
             "stage_1, stage_2, stage_3, finetuned, end_to_end, grown, shallow, high_resolution, "
             "end_to_end_high_resolution, transfer."},
        Case{{"--method.trainings=transfer"},
             "transfer.from is missing, and transfer starts from other weights. Name a training's file, such as "
             "runs/NAME/checkpoints/finetuned.h5, or a safetensors file."},
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

TEST(ValidateAccepts, AsManyMicroBatchesAsSumsHold) {
  EXPECT_EQ(validation_error({"--batch.global=524288"}), "(no error)");
}

}  // namespace
}  // namespace incubate
