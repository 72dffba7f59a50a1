#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <numeric>

#include <fmt/ranges.h>
#include <torch/torch.h>

#include "base/check.h"
#include "base/clean_text.h"
#include "checkpoint/checkpoint.h"
#include "commands/commands.h"
#include "commands/print_output.h"
#include "config/path_setting.h"
#include "inference/evaluation.h"
#include "report/metrics_file.h"
#include "vision/dataset.h"
#include "vision/image_set.h"

namespace incubate {
namespace {

constexpr const char* kInspectHelp =
    "incubate inspect FILE.h5 [FILE.h5 ...]\n\n"
    "Verifies files of this program (checkpoints, metrics, evaluations, data) and\n"
    "says what they hold. Status 2 if one is missing, damaged or of another program.\n\n"
    "  --help  this text\n";

template <typename... Args>
void print_line(const char* what, fmt::format_string<Args...> format, Args&&... args) {
  print_output(fmt::format("  {:<12} {}\n", what, fmt::format(format, std::forward<Args>(args)...)));
}

/// The tensors of one kind in a checkpoint, such as stage 2 or the optimizer's state.
struct ContentPart {
  std::int64_t num_tensors = 0;
  std::int64_t num_values = 0;
};

void describe_checkpoint(const FilePath& path) {
  const Checkpoint checkpoint = load_checkpoint(path);
  const CheckpointHeader& header = checkpoint.header;
  print_line("training", "{}, {} steps done", header.training, header.step);
  print_line("identity", "{}", header.identity);
  for (const std::string& kind : header.arithmetic) print_line("arithmetic", "{}", kind);
  if (header.arithmetic.size() > 1)
    print_line("", "not reproducible: computed with {} kinds", header.arithmetic.size());
  std::map<std::string, ContentPart> parts;  // key: "stages/2", "optimizer", ...
  for (const auto& [name, tensor] : checkpoint.state) {
    const std::size_t group_end = name.find('/', 1);
    const std::string group = name.substr(1, group_end - 1);
    const std::string stage = name.substr(group_end + 1, name.find('/', group_end + 1) - group_end - 1);
    ContentPart& part = parts[group == "stages" ? "stage " + stage : group];
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
    print_line("evaluation", "{}", format_figures(metrics.infos, metrics.epochs.back().evaluation));
  }
}

void describe_class_names(const std::vector<std::string>& all) {
  constexpr std::size_t kMostNames = 10;
  const std::vector<std::string> names(all.begin(),
                                       all.begin() + static_cast<std::ptrdiff_t>(std::min(kMostNames, all.size())));
  print_line("classes", "{}: {}{}", all.size(), fmt::join(names, ", "), names.size() < all.size() ? ", ..." : "");
}

void describe_pixels(const PixelStatistics& pixels) {
  if (!pixels.mean.empty()) print_line("pixels", "{}", to_text(pixels));
}

void describe_dataset(const FilePath& path) {
  const DatasetInfo info = check_dataset(path);
  print_line("images", "{} to train on, {} to evaluate on, {}x{} pixels, {} channels of {} bits", info.num_train,
             info.num_validation, info.height, info.width, info.channels, 8 * info.value_bytes);
  describe_pixels({.mean = info.mean, .std = info.std});
  describe_class_names(info.class_names);
}

/// Returns a text such as "480x640 on average, 100x100 to 2000x3000". Heights and widths are independent.
std::string describe_sizes(const ImageTable& table) {
  if (table.size() == 0) return "none";
  const auto mean = [](const std::vector<std::int32_t>& sides) {
    return static_cast<double>(std::accumulate(sides.begin(), sides.end(), std::int64_t{0})) /
           static_cast<double>(sides.size());
  };
  const auto [low, high] = std::ranges::minmax(table.heights);
  const auto [narrow, wide] = std::ranges::minmax(table.widths);
  return fmt::format("{:.0f}x{:.0f} pixels on average, heights {} to {}, widths {} to {}", mean(table.heights),
                     mean(table.widths), low, high, narrow, wide);
}

void describe_evaluation(const Hdf5File& file) {
  print_line("network", "{}", file.read_string_attribute("network"));
  print_line("images", "{} of {}, {}", file.read_int_attribute("num_images"), file.read_string_attribute("split"),
             file.read_string_attribute("data_file"));
  for (const std::string& name : file.list("/figures")) {
    print_line(name.c_str(), "{:.6g}", file.read<double>("/figures/" + name).at(0));
  }
  describe_class_names(file.read_strings("/class_names"));
}

void describe_shard(const FilePath& path) {
  const ImageShard shard = read_shard(path).shard;
  print_line("images", "{} of {}, shard {}", shard.table.size(), to_string(shard.split), shard.index);
  print_line("sizes", "{}", describe_sizes(shard.table));
  print_line("problems", "{}", shard.problems.size());
  print_line("made from", "{}", shard.source_digest);
  describe_class_names(shard.class_names);
}

void describe_image_set(const FilePath& path) {
  const ImageSet set = read_image_set(path);
  for (const Split split : kSplits) {
    const ImageSetSplit& part = set.split(split);
    const std::uint64_t bytes = std::accumulate(part.shard_lengths.begin(), part.shard_lengths.end(), std::uint64_t{0});
    print_line(to_string(split), "{} images in {} shards of {} bytes together", part.table.size(), part.num_shards(),
               bytes);
    print_line("", "{}", describe_sizes(part.table));
  }
  describe_pixels(set.statistics);
  describe_class_names(set.class_names);
  check_shard_lengths(path, set);
  print_line("shards", "all are there with the stated lengths ('incubate pack --verify' checks every image)");
}

void describe(const FilePath& path, const Hdf5File& file) {
  const std::string type = file.read_string_attribute("filetype");
  print_output(fmt::format("{}: {}, version {}, {} bytes, intact (XXH3 {})\n", path.string(), type,
                           file.read_int_attribute("version"), std::filesystem::file_size(path), stated_digest(path)));
  if (type == "incubate checkpoint") {
    describe_checkpoint(path);
  } else if (type == "incubate metrics") {
    describe_metrics(path, file);
  } else if (type == "incubate metrics index") {
    print_line("trainings", "{}", fmt::join(file.list("/"), ", "));
  } else if (type == "incubate dataset") {
    describe_dataset(path);
  } else if (type == kEvaluationFiletype) {
    describe_evaluation(file);
  } else if (type == kShardFiletype) {
    describe_shard(path);
  } else if (type == kImageSetFiletype) {
    describe_image_set(path);
  }
}

}  // namespace

void inspect_command(const std::vector<std::string>& arguments) {
  if (std::ranges::any_of(arguments, [](const std::string& word) { return word.starts_with("--help"); }))
    return print_output(kInspectHelp);
  check_input(!arguments.empty(), "no file is named. Give some, such as runs/NAME/checkpoints/meta.h5.");
  for (const std::string& argument : arguments) {
    check_input(!argument.starts_with("--"), "'{}' is not an option of inspect. Give files only.", argument);
  }
  std::string bad;  // the command describes every file before it fails
  for (const std::string& argument : arguments) {
    try {
      const std::string path = expand_path("", clean_line(argument, "command line"));
      read_verified_file(path, [&path](const Hdf5File& file) { describe(path, file); });
    } catch (const InputError& error) {
      print_output(fmt::format("{}: bad\n", argument));
      bad += (bad.empty() ? "" : " ") + std::string(error.what());
    }
  }
  check_input(bad.empty(), "{}", bad);
}

}  // namespace incubate
