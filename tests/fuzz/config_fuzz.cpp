// Fuzzes command lines and configuration files. An input's lines are a command, its arguments, an empty line and the
// configuration file, if any. An accepted configuration must read back from its printed text as the same.
#include <sstream>

#include "base/check.h"
#include "config/exchange_config.h"
#include "config/pack_config.h"
#include "config/parse.h"
#include "config/plan_config.h"
#include "config/rand_augment_policy.h"
#include "config/validate.h"
#include "fuzz/allocation_limit.h"
#include "fuzz/byte_source.h"
#include "fuzz/memory_file.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace incubate {
namespace {

struct Input {
  std::string command;
  std::vector<std::string> arguments;
  std::string file;
};

Input read_input(const std::string& text) {
  Input input;
  std::istringstream lines(text);
  std::getline(lines, input.command);
  for (std::string line; std::getline(lines, line) && !line.empty();) input.arguments.push_back(line);
  if (lines.good()) input.file = text.substr(static_cast<std::size_t>(lines.tellg()));
  return input;
}

void check_same(const std::string& printed, const std::string& again) {
  check_running(printed == again, "what was printed reads back as something else:\n{}\n---\n{}", printed, again);
}

void check_ini_round_trip(RunConfig& config) {
  const std::string printed = print_settings(list_settings(config));
  RunConfig again;
  parse_ini(printed, "printed", list_settings(again));
  validate_without_data_file(again);
  check_same(printed, print_settings(list_settings(again)));
}

/// Returns the settings as a command line, the only source for these commands.
std::vector<std::string> to_arguments(const std::vector<Setting>& settings) {
  std::vector<std::string> arguments;
  for (const Setting& setting : settings) {
    if (!setting.is_flag) arguments.push_back("--" + setting.name + "=" + setting.get());
    if (setting.is_flag && setting.get() == "true") arguments.push_back("--" + setting.name);
  }
  return arguments;
}

template <typename Config>
void check_arguments_round_trip(Config& config) {
  const std::vector<std::string> printed = to_arguments(list_settings(config));
  Config again;
  parse_arguments(printed, {}, list_settings(again));
  check_running(printed == to_arguments(list_settings(again)), "the options read back as something else");
}

/// Reads a command with a run's configuration and `Options`.
template <typename Options>
void read_run_and(const std::vector<std::string>& arguments) {
  RunConfig config;
  Options options;
  parse_arguments(arguments, list_settings(config), list_settings(options));
  validate(options);
  check_arguments_round_trip(options);
  validate_without_data_file(config);
  check_ini_round_trip(config);
}

void read_run(const std::vector<std::string>& arguments) {
  RunConfig config;
  parse_arguments(arguments, list_settings(config));
  validate_without_data_file(config);
  check_ini_round_trip(config);
}

void read_pack(const std::vector<std::string>& arguments) {
  PackConfig config;
  parse_arguments(arguments, list_settings(config));
  check_arguments_round_trip(config);
  PackConfig again;
  parse_arguments(to_arguments(list_settings(config)), list_settings(again));
  // Lists may have empty names, which their text must not lose.
  check_running(again.class_names == config.class_names && again.train_files == config.train_files &&
                    again.validation_files == config.validation_files,
                "a list reads back as another");
  validate(config);
  list_sources(config);
}

void read_command(const Input& input) {
  const MemoryFile file(input.file);
  std::vector<std::string> arguments = input.arguments;
  if (!input.file.empty()) arguments.push_back("--config=" + file.path());
  if (input.command == "plan") return read_run_and<PlanConfig>(arguments);
  if (input.command == "export") return read_run_and<ExportConfig>(arguments);
  if (input.command == "import") return read_run_and<ImportConfig>(arguments);
  if (input.command == "pack") return read_pack(arguments);
  if (input.command == "rand_augment") {
    for (const std::string& text : input.arguments) parse_rand_augment("x.rand_augment", text);
    return;
  }
  read_run(arguments);
}

/// Returns a setting's line whose value is valid more often than random bytes.
std::string make_line(unsigned seed) {
  static RunConfig config;
  static PlanConfig plan;
  static PackConfig pack;
  static ExportConfig exported;
  static const std::vector<Setting> settings = [] {
    std::vector<Setting> all = list_settings(config);
    for (const auto& more : {list_settings(plan), list_settings(pack), list_settings(exported)}) {
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  const Setting& setting = settings[seed % settings.size()];
  static const std::vector<std::string> values = {"0",
                                                  "1",
                                                  "2",
                                                  "-1",
                                                  "0.5",
                                                  "1e-9",
                                                  "1e6",
                                                  "1e300",
                                                  "matched",
                                                  "true",
                                                  "false",
                                                  "9223372036854775807",
                                                  "-9223372036854775808",
                                                  "4611686018427387904",
                                                  "3,3",
                                                  "1,1,1,1",
                                                  "18,18,18",
                                                  "1000000000,1",
                                                  "",
                                                  ",",
                                                  "a,,b",
                                                  ",a",
                                                  "resnet",
                                                  "vit",
                                                  "resnet110",
                                                  "deit_t32",
                                                  "vit_h14",
                                                  "sgd",
                                                  "meta",
                                                  "stage_1",
                                                  "grown",
                                                  "high_resolution,shallow",
                                                  "resized",
                                                  "0.1,0.9",
                                                  "rand-m9-mstd0.5-inc1",
                                                  "rand-n15-p1",
                                                  "rand-m-1",
                                                  "nan",
                                                  "inf",
                                                  " a",
                                                  "a ",
                                                  "a#b",
                                                  "a=b",
                                                  "[a]",
                                                  "\xff\xc3",
                                                  std::string(1, '\0')};
  const std::string& value = values[(seed / settings.size()) % values.size()];
  const std::size_t dot = setting.name.find('.');
  const bool is_in_file = (seed & 1U) != 0 && dot != std::string::npos;
  if (!is_in_file) return "--" + setting.name + (setting.is_flag ? "" : "=" + value) + "\n";
  return "[" + setting.name.substr(0, dot) + "]\n" + setting.name.substr(dot + 1) + " = " + value + "\n";
}

}  // namespace
}  // namespace incubate

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  if (seed % 3 != 0) return LLVMFuzzerMutate(data, size, most);
  std::string text(data, data + size);
  const std::string line = incubate::make_line(seed / 3);
  const std::size_t blank = line.front() == '[' ? std::string::npos : text.find("\n\n");
  text.insert(blank == std::string::npos ? text.size() : blank + 1, line);
  text.resize(std::min(text.size(), most));
  std::ranges::copy(text, data);
  return text.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace incubate;
  const Input input = read_input({data, data + size});
  const AllocationLimit limit((std::size_t{8} << 20) + (200 * size));
  try {
    read_command(input);
  } catch (const InputError&) {
  }
  return 0;
}
