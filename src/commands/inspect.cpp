#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <torch/torch.h>

#include "base/check.h"
#include "checkpoint/checkpoint.h"
#include "commands/commands.h"
#include "data/dataset.h"
#include "report/metrics_file.h"

namespace incubate {
namespace {

constexpr const char* kHelp =
    "incubate inspect FILE.h5 [FILE.h5 ...]\n\n"
    "Verifies files of this program (checkpoints, metrics, data) and says what they\n"
    "hold. Status 2 if one is missing, damaged or of another program.\n\n"
    "  --help  this text\n";

template <typename... Args>
void print_line(const char* what, fmt::format_string<Args...> format, Args&&... args) {
  fmt::print("  {:<12} {}\n", what, fmt::format(format, std::forward<Args>(args)...));
}

/// What a checkpoint holds of one kind: of stage 2, say, or of the optimizer's state.
struct Part {
  std::int64_t num_tensors = 0;
  std::int64_t num_values = 0;
};

void describe_checkpoint(const FilePath& path) {
  const Checkpoint checkpoint = load_checkpoint(path);
  const CheckpointHeader& header = checkpoint.header;
  print_line("training", "{}, {} steps done", header.training, header.step);
  print_line("identity", "{}", header.identity);
  std::map<std::string, Part> parts;  // by "stages/2", "optimizer", ...
  for (const auto& [name, tensor] : checkpoint.state) {
    const std::size_t group_end = name.find('/', 1);
    const std::string group = name.substr(1, group_end - 1);
    const std::string stage = name.substr(group_end + 1, name.find('/', group_end + 1) - group_end - 1);
    Part& part = parts[group == "stages" ? "stage " + stage : group];
    ++part.num_tensors;
    part.num_values += tensor.numel();
  }
  for (const auto& [name, part] : parts) {
    print_line(name.c_str(), "{} tensors, {} values", part.num_tensors, part.num_values);
  }
  for (const auto& [name, value] : header.figures) print_line(name.c_str(), "{:.6g}", value);
}

void describe_metrics(const FilePath& path, const Hdf5File& file) {
  const Metrics metrics = Metrics::load(path, std::numeric_limits<std::int64_t>::max());
  print_line("training", "{}", file.read_string_attribute("training"));
  print_line("rows", "{} steps, {} evaluations, {} rounds, {} checkpoints", metrics.steps.size(), metrics.epochs.size(),
             metrics.rounds.size(), metrics.checkpoints.size());
  if (!metrics.steps.empty()) {
    const StepRow& last = metrics.steps.back();
    print_line("last step", "{}: loss {:.4f}, learning rate {:.4g}, {:.1f} images/s", last.step, last.loss,
               last.learning_rate, last.images_per_s);
  }
  if (!metrics.epochs.empty()) {
    const Evaluation& last = metrics.epochs.back().evaluation;
    print_line("evaluation", "top-1 {:.2f}%, top-5 {:.2f}%, loss {:.4f}", 100 * last.top1, 100 * last.top5, last.loss);
  }
}

void describe_dataset(const FilePath& path) {
  const DatasetInfo info = check_dataset(path);
  print_line("images", "{} to train on, {} to evaluate on, {}x{} pixels, {} channels", info.num_train,
             info.num_validation, info.height, info.width, info.channels);
  constexpr std::size_t kMostNames = 10;
  const std::vector<std::string> names(info.class_names.begin(),
                                       info.class_names.begin() + std::min(kMostNames, info.class_names.size()));
  print_line("classes", "{}: {}{}", info.num_classes(), fmt::join(names, ", "),
             names.size() < info.class_names.size() ? ", ..." : "");
}

void describe(const FilePath& path, const Hdf5File& file) {
  const std::string type = file.read_string_attribute("filetype");
  fmt::print("{}: {}, version {}, {} bytes, intact (XXH3 {})\n", path.string(), type,
             file.read_int_attribute("version"), std::filesystem::file_size(path), stated_digest(path));
  if (type == "incubate checkpoint") {
    describe_checkpoint(path);
  } else if (type == "incubate metrics") {
    describe_metrics(path, file);
  } else if (type == "incubate metrics index") {
    print_line("trainings", "{}", fmt::join(file.list("/"), ", "));
  } else if (type == "incubate dataset") {
    describe_dataset(path);
  }
}

}  // namespace

void inspect_command(const std::vector<std::string>& arguments, Communicator& world, Log& /*log*/) {
  agree(world, [&] {
    if (!world.is_leader()) return;
    if (arguments == std::vector<std::string>{"--help"}) {
      fmt::print("{}", kHelp);
      return;
    }
    check_input(!arguments.empty(), "no file is named. Give some, such as runs/NAME/checkpoints/meta.h5.");
    for (const std::string& argument : arguments) {
      check_input(!argument.starts_with("--"), "'{}' is not an option of inspect. Give files only.", argument);
    }
    std::string bad;  // all are looked at before the first bad one ends the command
    for (const std::string& argument : arguments) {
      try {
        read_verified_file(argument, [&argument](const Hdf5File& file) { describe(argument, file); });
      } catch (const InputError& error) {
        fmt::print("{}: bad\n", argument);
        bad += (bad.empty() ? "" : " ") + std::string(error.what());
      }
    }
    check_input(bad.empty(), "{}", bad);
  });
}

}  // namespace incubate
