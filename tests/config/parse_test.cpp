#include "config/parse.h"

#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

#include "base/check.h"
#include "config/changed_setting.h"
#include "config/run_config.h"
#include "hdf5/atomic_file.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

/// The configuration that arguments make.
struct Parsed {
  RunConfig config;
  CommonOptions options;
};

Parsed parse(const std::vector<std::string>& arguments) {
  Parsed parsed;
  parsed.options = parse_arguments(arguments, list_settings(parsed.config));
  return parsed;
}

std::string parse_error(const std::vector<std::string>& arguments) {
  return thrown_message<InputError>([&] { parse(arguments); });
}

std::string ini_error(const std::string& text) {
  RunConfig config;
  return thrown_message<InputError>([&] { parse_ini(text, "f.ini", list_settings(config)); });
}

TEST(Parse, EverySettingPrintsAndReadsBack) {
  RunConfig changed, read, defaults;
  const std::vector<Setting> expected = list_settings(changed), actual = list_settings(read),
                             unchanged = list_settings(defaults);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i].get() == unchanged[i].get()) change(expected[i]);  // else it has inherited a change
  }
  parse_ini(print_settings(expected), "text", actual);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NE(expected[i].get(), unchanged[i].get()) << expected[i].name;
    EXPECT_EQ(actual[i].get(), expected[i].get()) << expected[i].name;
  }
}

TEST(Parse, DefaultsPrintAndReadBack) {
  RunConfig defaults;
  RunConfig read;
  for (const Setting& setting : list_settings(read)) change(setting);
  parse_ini(print_settings(list_settings(defaults)), "text", list_settings(read));
  EXPECT_EQ(print_settings(list_settings(read)), print_settings(list_settings(defaults)));
}

TEST(Parse, EverySettingHasAnOwnNameSectionAndMeaning) {
  RunConfig config;
  std::vector<std::string> names;
  for (const Setting& setting : list_settings(config)) {
    EXPECT_EQ(std::ranges::count(setting.name, '.'), 1) << setting.name;
    EXPECT_EQ(std::ranges::count(names, setting.name), 0) << setting.name;
    EXPECT_FALSE(setting.meaning.empty()) << setting.name;
    names.push_back(setting.name);
  }
}

TEST(Parse, PrintedTextIsIniWithUnits) {
  double rate = 0.5;
  std::string path = "x.h5";
  const std::vector<Setting> settings = {make_setting("b.rate", rate, Kind::result, "per s", "a rate"),
                                         make_setting("a.path", path, Kind::operation, "", "a path")};
  EXPECT_EQ(print_settings(settings), "[b]\nrate = 0.5  # per s\n\n[a]\npath = x.h5\n");
  EXPECT_EQ(describe_settings(settings),
            "\n[b]\n  --b.rate  [per s]\n        a rate (default: 0.5)\n"
            "\n[a]\n  --a.path\n        a path (default: x.h5)\n");
}

TEST(Parse, CommandLineBeatsFileBeatsDefault) {
  const TemporaryDirectory directory;
  const std::string file = directory / "f.ini";
  replace_text_atomically(file, "# comment\n[run]\nseed = 5\nthreads = 6\n[meta]\nepochs=7\n");
  const Parsed parsed = parse({"--run.seed=9", "--config", file});
  EXPECT_EQ(parsed.config.run.seed, 9);
  EXPECT_EQ(parsed.config.run.threads, 6);
  EXPECT_EQ(parsed.config.phase(Phase::meta).epochs.count, 7);
  EXPECT_EQ(parsed.config.run.timeout_s, 600);
  EXPECT_EQ(parsed.options.config_file, file);
}

TEST(Parse, CommandLineBeatsFileBeatsPresetBeatsDefault) {
  const TemporaryDirectory directory;
  const std::string file = directory / "f.ini";
  replace_text_atomically(file, "[model]\nheads = 4\nwidth = 64\npreset = deit_s\n");
  EXPECT_EQ(parse({"--config", file}).config.model.norm_eps, 1e-6);
  for (const bool preset_in_file : {true, false}) {
    if (!preset_in_file) replace_text_atomically(file, "[model]\nheads = 4\nwidth = 64\n");
    const Parsed parsed = parse({"--model.width=32", "--config", file, "--model.preset=vit_h14"});
    EXPECT_EQ(parsed.config.model.width, 32);
    EXPECT_EQ(parsed.config.model.heads, 4);
    EXPECT_EQ(parsed.config.model.norm_eps, 1e-5);
    EXPECT_EQ(parsed.config.model.channels, 3);
    EXPECT_EQ(parsed.config.model.preset, "vit_h14");
  }
}

TEST(Parse, ValuesMayFollowAsAWordOfTheirOwn) { EXPECT_EQ(parse({"--run.seed", "3"}).config.run.seed, 3); }

TEST(Parse, AnEmptyValueOnTheCommandLineBeatsTheFile) {
  const TemporaryDirectory directory;
  const std::string file = directory / "f.ini";
  replace_text_atomically(file, "[run]\nonly = meta\n");
  EXPECT_EQ(parse({"--config", file}).config.run.only, "meta");
  EXPECT_EQ(parse({"--run.only=", "--config", file}).config.run.only, "");
}

TEST(Parse, CommonOptions) {
  EXPECT_EQ(parse({}).options.help, std::nullopt);
  EXPECT_EQ(parse({}).options.print_config, std::nullopt);
  EXPECT_EQ(parse({"--help"}).options.help, "");
  EXPECT_EQ(parse({"--help=meta"}).options.help, "meta");
  EXPECT_EQ(parse({"--print-config"}).options.print_config, "");
  EXPECT_EQ(parse({"--print-config=changed"}).options.print_config, "changed");
  EXPECT_EQ(parse_error({"--print-config=all"}),
            "--print-config=all is not one of its values. Give --print-config=changed, or --print-config alone.");
}

TEST(Parse, HelpSetsNothingSoThatItTellsDefaults) {
  const Parsed parsed = parse({"--run.seed=4", "--help", "--config=no/such.ini"});
  EXPECT_EQ(parsed.options.help, "");
  EXPECT_EQ(parsed.config.run.seed, 0);
}

/// Returns `text` with each run of blanks and line breaks as one blank.
std::string on_one_line(const std::string& text) {
  std::istringstream words(text);
  std::string line;
  for (std::string word; words >> word;) line += (line.empty() ? "" : " ") + word;
  return line;
}

TEST(Describe, EachKeyOnceWithTheDefaultsOfAllPhases) {
  RunConfig config;
  const std::string text = on_one_line(describe_settings(list_settings(config)));
  EXPECT_NE(
      text.find(
          "[recipe] sets all of these at once; each has the same settings (--help SECTION): [meta] "
          "[incubation] [finetuning] [end_to_end] [grown] [shallow] [high_resolution] [transfer] --recipe.epochs"),
      std::string::npos);
  EXPECT_NE(text.find("--recipe.micro [images] micro-batch: what one forward pass sees (default: 256 in meta, shallow; "
                      "128 in incubation; 64 in finetuning, end_to_end, grown, transfer; 32 in high_resolution) "),
            std::string::npos);
  EXPECT_NE(text.find("alpha of the blending of images (DeiT: 0.8); 0: none (default: 0) "), std::string::npos);
  for (const Setting& setting : list_settings(config)) {
    const std::string section = setting.name.substr(0, setting.name.find('.'));
    const bool is_start =
        std::ranges::count(std::vector<std::string>{"incubation.init", "end_to_end.init", "high_resolution.image_size",
                                                    "transfer.from", "transfer.source", "transfer.head"},
                           setting.name) > 0;
    const bool is_phase = section != "recipe" && std::ranges::any_of(kMethodTable, [&section](const MethodRow& row) {
                            return section == row.section;
                          });
    EXPECT_EQ(text.find(" --" + setting.name + " ") != std::string::npos, !is_phase || is_start) << setting.name;
  }
}

TEST(Describe, ASectionHasAllOfItsSettings) {
  RunConfig config;
  const std::vector<Setting> settings = list_settings(config);
  const std::string text = describe_section(settings, "incubation");
  EXPECT_TRUE(text.starts_with("\n[incubation]\n  --incubation.epochs  [number]\n")) << text;
  EXPECT_NE(on_one_line(text).find("what one forward pass sees (default: 128) "), std::string::npos);
  EXPECT_NE(text.find("  --incubation.init  [random|meta]\n"), std::string::npos);
  EXPECT_EQ(std::ranges::count(text, '['), 1 + std::ranges::count_if(settings, [](const Setting& setting) {
                                             return setting.name.starts_with("incubation.") && !setting.unit.empty();
                                           }));
  EXPECT_EQ(
      thrown_message<InputError>([&] { describe_section(settings, "incubate"); }),
      "--help incubate: there is no such section. Give one of model, data, batch, optimizer, train, recipe, meta, "
      "incubation, finetuning, end_to_end, grown, shallow, high_resolution, transfer, method, run, checkpoint.");
}

/// Returns the output of --print-config=changed with a file of this text.
std::string changed(const std::string& text, std::vector<std::string> arguments) {
  const TemporaryDirectory directory;
  const std::string file = directory / "f.ini";
  replace_text_atomically(file, text);
  arguments.insert(arguments.end(), {"--print-config=changed", "--config=" + file});
  Parsed parsed = parse(arguments);
  RunConfig defaults;
  std::string printed = print_config(list_settings(parsed.config), list_settings(defaults), parsed.options);
  RunConfig read;
  parse_ini(printed, "printed", list_settings(read));
  EXPECT_EQ(print_settings(list_settings(read)), print_settings(list_settings(parsed.config)));
  for (std::size_t i = printed.find(file); i != std::string::npos; i = printed.find(file)) {
    printed.replace(i, file.size(), "FILE");
  }
  return printed;
}

TEST(PrintChanged, SaysWhereEachValueComesFrom) {
  EXPECT_EQ(changed("", {}), "");
  EXPECT_EQ(changed("[run]\nseed = 0\n", {"--run.threads=1"}), "");  // as by default
  EXPECT_EQ(changed("[model]\npreset = deit_s\nclasses = 10\n[recipe]\nmixup = 0.5\n[meta]\nmixup = 0.25\n",
                    {"--run.seed=3", "--end_to_end.mixup=0.75"}),
            "[model]\npreset = deit_s  # in FILE\nclasses = 10  # in FILE\n"
            "width = 384  # default of the preset deit_s\nheads = 6  # default of the preset deit_s\n"
            "\n[meta]\nmixup = 0.25  # in FILE\n"
            "\n[incubation]\nmixup = 0.5  # [recipe] in FILE\n"
            "\n[finetuning]\nmixup = 0.5  # [recipe] in FILE\n"
            "\n[end_to_end]\nmixup = 0.75  # on the command line\n"
            "\n[grown]\nmixup = 0.75  # inherited from [end_to_end] on the command line\n"
            "\n[shallow]\nmixup = 0.25  # inherited from [meta] in FILE\n"
            "\n[high_resolution]\nmixup = 0.5  # [recipe] in FILE\n"
            "\n[transfer]\nmixup = 0.5  # [recipe] in FILE\n"
            "\n[run]\nseed = 3  # on the command line\n");
}

TEST(PrintChanged, APresetOfTheCommandLineIsSaidToBe) {
  EXPECT_EQ(changed("[model]\npreset = deit_ti\nwidth = 384\n", {"--model.preset=deit_s"}),
            "[model]\npreset = deit_s  # on the command line\nwidth = 384  # in FILE\n"
            "heads = 6  # default of the preset deit_s\n");
}

TEST(Parse, UnknownSettingsNameTheNearest) {
  EXPECT_EQ(parse_error({"--run.sed=1"}),
            "command line: unknown setting 'run.sed'. Did you mean 'run.seed'? --help lists all.");
  EXPECT_EQ(parse_error({"--incubation.learnin_rate=1"}),
            "command line: unknown setting 'incubation.learnin_rate'. Did you mean 'incubation.learning_rate'? "
            "--help lists all.");
  EXPECT_EQ(ini_error("[model]\nheds = 3\n"),
            "f.ini: unknown setting 'model.heds'. Did you mean 'model.heads'? --help lists all.");
  EXPECT_EQ(ini_error("seed = 3\n"), "f.ini: unknown setting 'seed'. Did you mean 'run.seed'? --help lists all.");
}

TEST(Parse, AbbreviationsAreUnknown) {
  EXPECT_EQ(parse_error({"--run.see=1"}),
            "command line: unknown setting 'run.see'. Did you mean 'run.seed'? --help lists all.");
  EXPECT_EQ(parse_error({"--model.image=1"}),
            "command line: unknown setting 'model.image'. Did you mean 'model.heads'? --help lists all.");
}

TEST(Parse, SettingsAreGivenOnce) {
  EXPECT_EQ(parse_error({"--run.seed=1", "--run.seed=2"}),
            "command line: 'run.seed' is given twice ('1' and '2'). Give it once.");
  EXPECT_EQ(ini_error("[run]\nseed=1\nseed=1\n"), "f.ini: 'run.seed' is given twice ('1' and '1'). Give it once.");
}

TEST(Parse, AWordMayBeTheInputFile) {
  const TemporaryDirectory directory;
  const std::string file = directory / "f.ini";
  replace_text_atomically(file, "[run]\nseed = 5\nthreads = 6\n");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{file, "--run.seed=9"}, {"--run.seed=9", file}, {"--run.seed", "9", file}}) {
    const Parsed parsed = parse(arguments);
    EXPECT_EQ(parsed.config.run.seed, 9);
    EXPECT_EQ(parsed.config.run.threads, 6);
    EXPECT_EQ(parsed.options.config_file, file);
  }
  EXPECT_EQ(parse_error({file, file}), "command line: '" + file +
                                           "' is neither an option nor an existing input file. Settings are given as "
                                           "--section.key=value.");
  EXPECT_EQ(parse_error({"--config", file, file}),
            "command line: 'config' is given twice ('" + file + "' and '" + file + "'). Give it once.");
}

TEST(Parse, WordsThatAreNoOptionsAreRefused) {
  for (const std::string& word : std::vector<std::string>{"input/x.ini", "run.seed=3", "-x", std::string(5000, 'x')}) {
    EXPECT_EQ(parse_error({word}), "command line: '" + word +
                                       "' is neither an option nor an existing input file. Settings are given as "
                                       "--section.key=value.");
  }
}

TEST(Parse, AnOptionIsNoValue) {
  EXPECT_EQ(parse_error({"--run.directory", "--help"}),
            "command line: 'run.directory' has no value but is followed by '--help'. Give --run.directory=value.");
}

// Only this program's words are compared; Boost's own words differ between its versions.
TEST(Parse, AValueThatIsMissingIsExplained) {
  const std::string without_value = parse_error({"--run.seed"});
  EXPECT_TRUE(without_value.starts_with("command line: ")) << without_value;
  EXPECT_TRUE(without_value.ends_with(". Settings are given as --section.key=value.")) << without_value;
}

TEST(Parse, WhatCannotBeSeenIsNoPartOfASetting) {
  const TemporaryDirectory directory;
  const std::string file = directory / "f.ini";
  replace_text_atomically(file, "\xEF\xBB\xBF[run]\r\nseed\xC2\xA0=\xC2\xA0 3\r\n");
  EXPECT_EQ(parse({"--config", file}).config.run.seed, 3);
  EXPECT_EQ(parse({"--run.seed=4\r"}).config.run.seed, 4);
  const std::string remedy =
      "' has an invisible character, as editors and web pages leave them. Take it out, or type this anew.";
  replace_text_atomically(file, "[run]\nseed\xE2\x80\x8B=3\n");
  EXPECT_EQ(parse_error({"--config", file}), file + ": 'seed<U+200B>=3" + remedy);
  EXPECT_EQ(parse_error({"--run.seed=\xE2\x80\x8B=3"}), "command line: '--run.seed=<U+200B>=3" + remedy);
  EXPECT_EQ(parse_error({"--data.file=a\nb"}),
            "command line: '--data.file=a<U+000A>b' has more than one line. Give one.");
}

TEST(Parse, PathsAreExpandedWhereverTheyAreGiven) {
  const TemporaryDirectory directory;
  ::setenv("INCUBATE_TEST_PLACE", directory.path().c_str(), 1);
  replace_text_atomically(directory / "f.ini", "[data]\nfile = $INCUBATE_TEST_PLACE/x.h5\n");
  const Parsed parsed = parse({"--config=$INCUBATE_TEST_PLACE/f.ini", "--run.directory=${INCUBATE_TEST_PLACE}/run"});
  EXPECT_EQ(parsed.options.config_file, directory / "f.ini");
  EXPECT_EQ(parsed.config.data.file, directory / "x.h5");
  EXPECT_EQ(parsed.config.run.directory, directory / "run");
}

/// Settings of a file and options of the command line.
struct WithOptions {
  std::int64_t seed = 0;
  std::int64_t ranks = 0;
  bool json = false;
  std::vector<Setting> settings = {make_setting("run.seed", seed, Kind::result, "", "a seed")};
  std::vector<Setting> options = {make_setting("ranks", ranks, Kind::operation, "", "how many"),
                                  make_flag("json", json, "print JSON")};

  void parse(const std::vector<std::string>& arguments) { parse_arguments(arguments, settings, options); }
  std::string error(const std::vector<std::string>& arguments) {
    return thrown_message<InputError>([&] { parse(arguments); });
  }
};

TEST(Parse, FlagsHaveNoValue) {
  WithOptions given;
  given.parse({"--json", "--ranks=3", "--run.seed=4"});
  EXPECT_TRUE(given.json);
  EXPECT_EQ(given.ranks, 3);
  EXPECT_EQ(given.seed, 4);
  WithOptions not_given;
  not_given.parse({"--ranks", "3"});
  EXPECT_FALSE(not_given.json);
  const std::string with_value = WithOptions().error({"--json=true"});
  EXPECT_TRUE(with_value.starts_with("command line: ") && with_value.find("json") != std::string::npos) << with_value;
  EXPECT_EQ(WithOptions().error({"--json", "--json"}),
            "command line: 'json' is given twice ('' and ''). Give it once.");
  EXPECT_EQ(describe_settings(WithOptions().options),
            "  --ranks\n        how many (default: 0)\n  --json\n        print JSON\n");
}

TEST(Parse, OptionsOfTheCommandLineAreUnknownInFiles) {
  const TemporaryDirectory directory;
  const std::string file = directory / "f.ini";
  replace_text_atomically(file, "ranks = 3\n");
  EXPECT_EQ(WithOptions().error({"--config", file}),
            file + ": unknown setting 'ranks'. Did you mean 'run.seed'? --help lists all.");
  EXPECT_EQ(WithOptions().error({"--rank=3"}),
            "command line: unknown setting 'rank'. Did you mean 'ranks'? --help lists all.");
  EXPECT_EQ(WithOptions().error({"--jsn"}),
            "command line: unknown setting 'jsn'. Did you mean 'json'? --help lists all.");
}

TEST(Parse, MissingFileIsNamed) {
  EXPECT_EQ(parse_error({"--config=no/such.ini"}),
            "no/such.ini cannot be read: No such file or directory. Check the path.");
}

TEST(Parse, ValuesOfAnotherTypeAreRefused) {
  EXPECT_EQ(parse_error({"--run.seed=x"}), "run.seed=x is not a whole number. Give a whole number.");
  EXPECT_EQ(parse_error({"--run.sums=exactly"}),
            "run.sums=exactly is not one of its values. Give auto, exact or fast.");
  EXPECT_EQ(parse_error({"--recipe.micro=x"}), "recipe.micro=x is not a whole number. Give a whole number.");
  EXPECT_EQ(parse_error({"--meta.epochs=many"}), "meta.epochs=many is not a number. Give a number.");
}

/// Returns the warnings about a command line, with a file of this text.
std::vector<std::string> warnings(const std::string& text, std::vector<std::string> arguments) {
  const TemporaryDirectory directory;
  const std::string file = directory / "f.ini";
  replace_text_atomically(file, text);
  arguments.push_back("--config=" + file);
  std::vector<std::string> found = parse(arguments).options.warnings;
  for (std::string& warning : found) warning.replace(warning.find(file), file.size(), "FILE");
  return found;
}

/// Returns the learning rate of each phase with a section, in their order, with a file of this text.
std::vector<double> learning_rates(const std::string& text, std::vector<std::string> arguments = {}) {
  const TemporaryDirectory directory;
  const std::string file = directory / "f.ini";
  replace_text_atomically(file, text);
  arguments.push_back("--config=" + file);
  const RunConfig config = parse(arguments).config;
  std::vector<double> rates;
  for (const Phase phase : {Phase::meta, Phase::incubation, Phase::finetuning, Phase::end_to_end, Phase::grown,
                            Phase::shallow, Phase::high_resolution}) {
    rates.push_back(config.phase(phase).learning_rate);
  }
  return rates;
}

TEST(Parse, ControlsHaveTheRecipeOfWhatTheyStandBeside) {
  using Rates = std::vector<double>;
  const double by_default = PhaseConfig().learning_rate;
  const double high = RunConfig().phase(Phase::high_resolution).learning_rate;
  EXPECT_EQ(learning_rates("[end_to_end]\nlearning_rate = 2\n[meta]\nlearning_rate = 1\n"),
            (Rates{1, by_default, by_default, 2, 2, 1, high}));
  EXPECT_EQ(learning_rates("[end_to_end]\nlearning_rate = 2\n[grown]\nlearning_rate = 3\n"),
            (Rates{by_default, by_default, by_default, 2, 3, by_default, high}));
  EXPECT_EQ(learning_rates("[recipe]\nlearning_rate = 9\n[end_to_end]\nlearning_rate = 2\n"),
            (Rates{9, 9, 9, 2, 2, 9, 9}));
}

TEST(Parse, ControlsHaveLengthsAndStartsOfTheirOwn) {
  RunConfig config;
  parse_ini("[meta]\nepochs = 7\n[end_to_end]\nepochs = 8\ninit = zero_branches\n", "text", list_settings(config));
  EXPECT_TRUE(config.phase(Phase::grown).epochs.matched);
  EXPECT_TRUE(config.phase(Phase::shallow).epochs.matched);
  EXPECT_EQ(config.phase(Phase::grown).init, Init::random);
}

TEST(Parse, TheCommandLineBeatsTheFileAsAWhole) {
  using Rates = std::vector<double>;
  const std::string file = "[recipe]\nlearning_rate = 1\n[meta]\nlearning_rate = 2\n[grown]\nlearning_rate = 3\n";
  EXPECT_EQ(learning_rates(file), (Rates{2, 1, 1, 1, 3, 2, 1}));
  EXPECT_EQ(learning_rates(file, {"--recipe.learning_rate=5"}), Rates(7, 5));
  EXPECT_EQ(learning_rates(file, {"--recipe.learning_rate=5", "--meta.learning_rate=4"}), (Rates{4, 5, 5, 5, 5, 4, 5}));
  EXPECT_EQ(learning_rates(file, {"--end_to_end.learning_rate=6"}), (Rates{2, 1, 1, 6, 6, 2, 1}));
}

TEST(Parse, APresetOfWhichNothingIsTakenIsNamed) {
  RunConfig config;
  const std::string all = print_settings(list_settings(config));
  ASSERT_EQ(warnings(all, {"--model.preset=vit_l16"}).size(), 1U);
  EXPECT_TRUE(
      warnings(all, {"--model.preset=vit_l16"}).front().starts_with("--model.preset=vit_l16 has no effect on "));
  EXPECT_EQ(warnings("[model]\nclasses = 10\n", {"--model.preset=vit_l16"}), std::vector<std::string>());
}

TEST(Parse, ASettingIsFoundInAFileThatHasOthers) {
  const TemporaryDirectory directory;
  const std::string file = directory / "f.ini";
  replace_text_atomically(file, "[of_a_later_version]\nx = 1\n[run]\nsums = fast  # a word\n");
  EXPECT_EQ(find_in_ini(file, "run.sums"), "fast");
  EXPECT_EQ(find_in_ini(file, "run.seed"), std::nullopt);
  EXPECT_EQ(find_in_ini(directory / "none.ini", "run.sums"), std::nullopt);
  replace_text_atomically(file, "no setting\n");
  EXPECT_EQ(find_in_ini(file, "run.sums"), std::nullopt);
}

TEST(Parse, EpochsAreANumberOrMatched) {
  EXPECT_TRUE(parse({"--end_to_end.epochs=matched"}).config.phase(Phase::end_to_end).epochs.matched);
  const Epochs epochs = parse({"--end_to_end.epochs=2.5"}).config.phase(Phase::end_to_end).epochs;
  EXPECT_FALSE(epochs.matched);
  EXPECT_EQ(epochs.count, 2.5);
}

TEST(Parse, OfEpochsAndStepsTheLastCounts) {
  const auto steps = [](const std::string& file, const std::vector<std::string>& arguments) {
    RunConfig config;
    parse_ini(file, "text", list_settings(config));
    parse_arguments(arguments, list_settings(config));
    return config.phase(Phase::finetuning).epochs.steps;
  };
  const std::string file = "[finetuning]\nepochs = 3\nsteps = 80000\n";
  EXPECT_EQ(steps(file, {}), 80000);
  EXPECT_EQ(steps(file, {"--finetuning.epochs=2"}), 0);
  EXPECT_EQ(steps(file, {"--recipe.epochs=2"}), 0);
  EXPECT_EQ(steps(file, {"--recipe.steps=5"}), 5);
  RunConfig written, read;
  written.phase(Phase::finetuning).epochs.steps = 7;
  parse_ini(print_settings(list_settings(written)), "text", list_settings(read));
  EXPECT_EQ(read.phase(Phase::finetuning).epochs.steps, 7);
  EXPECT_EQ(parse({"--end_to_end.steps=5"}).config.phase(Phase::grown).epochs.steps, 0);  // lengths are not inherited
}

}  // namespace
}  // namespace incubate
