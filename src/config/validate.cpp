#include "config/validate.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <fmt/ranges.h>

#include "base/check.h"
#include "config/parse.h"
#include "config/rand_augment_policy.h"

namespace incubate {
namespace {

/// Returns whether `setting` reads back as it is printed.
bool reads_back(const Setting& setting) {
  const std::string text = setting.get();
  try {
    parse_ini(print_settings(std::span(&setting, 1)), setting.name, std::span(&setting, 1));
  } catch (const InputError&) {
    return false;
  }
  return setting.get() == text;
}

/// Every value must survive print_settings() and parse_ini(), through which config.ini and the ranks get it.
void check_printable(const RunConfig& config) {
  RunConfig copy = config;
  for (const Setting& setting : list_settings(copy)) {
    const std::string text = setting.get();
    check_input(
        reads_back(setting),
        "{}={} cannot be written to a configuration file (where a # behind a space begins a comment, and quotes "
        "around a value or spaces at its ends are lost). Choose another.",
        setting.name, text);
  }
}

/// Throws InputError unless patches tile the image.
void check_tiles(const std::string& name, std::int64_t image_size, std::int64_t patch) {
  check_input(image_size % patch == 0,
              "{}={} is not a multiple of model.patch={} (patches must tile the image). Use {}{}.", name, image_size,
              patch, image_size > patch ? fmt::format("{} or ", image_size / patch * patch) : "",
              (image_size / patch + 1) * patch);
}

void check_vit(const ModelConfig& c) {
  check_input(c.hidden() > 0,
              "model.mlp_ratio={} of model.width={} leaves the MLP no hidden unit. Give a ratio of at least {:.4g}.",
              c.mlp_ratio, c.width, 1.0 / static_cast<double>(c.width));
  check_tiles("model.image_size", c.image_size, c.patch);
  check_input(c.width % c.heads == 0,
              "model.width={} is not a multiple of model.heads={} (heads share the width evenly). Use a width of {}.",
              c.width, c.heads, (c.width / c.heads + 1) * c.heads);
}

/// Returns the number of blocks of stride 2 among a residual network's blocks [first, end). Each group except the first
/// begins with one.
std::int64_t count_strides(const ModelConfig& c, std::int64_t first, std::int64_t end) {
  std::int64_t count = 0;
  for (std::size_t group = 1; group < c.widths.size(); ++group) {
    const std::int64_t block = static_cast<std::int64_t>(group) * c.group_depth;
    count += block >= first && block < end ? 1 : 0;
  }
  return count;
}

/// Throws InputError if the last group gets less than 2 x 2 pixels. Each group except the first halves the image.
void check_halvings(const std::string& name, std::int64_t image_size, const ModelConfig& c) {
  const auto num_groups = static_cast<std::int64_t>(c.widths.size());
  const std::int64_t smallest = (std::int64_t{1} << (num_groups - 1)) + 1;
  check_input(image_size >= smallest,
              "{}={} leaves less than 2x2 pixels to the last of {} groups in model.widths, each of which halves the "
              "image. Use {} or more.",
              name, image_size, num_groups, smallest);
}

/// REQUIRES: as many meta depths as depths.
void check_resnet(const ModelConfig& c) {
  check_input(!c.widths.empty() && c.widths.size() <= 16 && std::ranges::is_sorted(c.widths),
              "model.widths={} are not 1 to 16 ascending widths (what passes by a block gets channels added, "
              "never taken away). Give such, like 16,32,64.",
              to_text(c.widths));
  check_halvings("model.image_size", c.image_size, c);
  const auto num_groups = static_cast<std::int64_t>(c.widths.size());
  const std::int64_t num_blocks = std::accumulate(c.depths.begin(), c.depths.end(), std::int64_t{0});
  check_input(num_blocks == num_groups * c.group_depth,
              "model.depths={} has {} blocks but {} groups of model.group_depth={} have {} (stages and groups are the "
              "same blocks). Make them equal.",
              to_text(c.depths), num_blocks, num_groups, c.group_depth, num_groups * c.group_depth);
  std::int64_t first = 0;
  for (std::size_t i = 0; i < c.depths.size(); ++i) {
    const std::int64_t least = std::max<std::int64_t>(1, count_strides(c, first, first + c.depths[i]));
    check_input(c.meta_depths[i] >= least && c.meta_depths[i] <= c.depths[i],
                "stage {} has {} blocks in model.meta_depths (a residual network's meta model keeps some of the "
                "target's {} blocks, and all {} that halve the image). Give {} to {}.",
                i, c.meta_depths[i], c.depths[i], count_strides(c, first, first + c.depths[i]), least, c.depths[i]);
    first += c.depths[i];
  }
}

void check_model(const ModelConfig& c) {
  if (c.family == Family::vit) check_vit(c);
  check_input(c.depths.size() >= 2, "model.depths has {} stages; incubation needs at least 2, such as 3,3,3,3.",
              c.depths.size());
  check_input(c.depths.size() == c.meta_depths.size(),
              "model.depths has {} stages but model.meta_depths has {} (they stand for the same stages). Give as many.",
              c.depths.size(), c.meta_depths.size());
  if (c.family == Family::resnet) check_resnet(c);
}

/// Refuses networks whose parameters and activations of a step are too many for the counts, which are 64-bit integers.
void check_countable(const RunConfig& config) {
  constexpr double kMostValues = 1e17;
  const ModelConfig& c = config.model;
  const auto blocks = static_cast<double>(std::accumulate(c.depths.begin(), c.depths.end(), std::int64_t{0}) +
                                          std::accumulate(c.meta_depths.begin(), c.meta_depths.end(), std::int64_t{0}));
  const bool is_vit = c.family == Family::vit;
  const auto width =
      is_vit ? static_cast<double>(c.width) * (4 + c.mlp_ratio) : 4 * static_cast<double>(std::ranges::max(c.widths));
  const auto side = static_cast<double>(is_vit ? c.image_size / c.patch : c.image_size);
  const double places = (side * side) + 1;
  const double scores = is_vit ? places * static_cast<double>(c.heads) : 0;
  const double parameters = blocks * width * width;
  const double values = blocks * places * (width + scores) * static_cast<double>(config.batch.global);
  check_input(parameters + values < kMostValues,
              "the network that [model] describes has about {:.1g} parameters, and {:.1g} values for the images of "
              "batch.global={} (more than {:.0g} cannot be counted). Give smaller sizes.",
              parameters, values, config.batch.global, kMostValues);
}

void check_data(const DataConfig& c, std::int64_t channels) {
  for (const auto& [name, values] : {std::pair{"data.mean", &c.mean}, std::pair{"data.std", &c.std}}) {
    check_input(static_cast<std::int64_t>(values->size()) == channels,
                "{} has {} values but model.channels={}. Give one a channel.", name, values->size(), channels);
  }
}

/// Returns the phases that run: those of the trainings in method.trainings or run.only, and of their sources. Settings
/// of other phases need not fit.
std::set<Phase> find_running_phases(const RunConfig& config) {
  std::vector<std::string> names = config.method.trainings;
  names.push_back(config.run.only);
  std::set<Phase> phases;
  for (const std::string& name : names) {
    const MethodRow* row = find_row(name);
    if (row != nullptr) std::ranges::copy(lineage_of(row->phase), std::inserter(phases, phases.end()));
  }
  return phases;
}

void check_micro_batches(const std::string& name, std::int64_t micro, std::int64_t global) {
  check_input(global % micro == 0,
              "batch.global={} is not a multiple of {}.micro={} (every micro-batch has the same size). "
              "Use a multiple of {}, such as {}.",
              global, name, micro, micro, (global / micro + 1) * micro);
  check_input(global / micro <= 8192,
              "batch.global={} makes {} micro-batches of {}.micro={}; exact sums hold 8192. Use larger micro-batches.",
              global, global / micro, name, micro);
}

void check_choice(const RunConfig& config) {
  const std::vector<std::string> known = list_training_names(config.model.num_stages());
  const auto is_known = [&known](const std::string& name) { return std::ranges::count(known, name) > 0; };
  const std::string& only = config.run.only;
  check_input(only.empty() || is_known(only), "run.only={} is not a training of this method. Give one of {}.", only,
              fmt::join(known, ", "));
  const std::vector<std::string>& chosen = config.method.trainings;
  check_input(!chosen.empty(),
              "method.trainings is empty, which leaves nothing to train. Give some of deep_incubation, {}.",
              fmt::join(known, ", "));
  for (const std::string& name : chosen) {
    check_input(is_known(name) || std::ranges::count(list_choices(), name) > 0,
                "method.trainings={} names '{}', which is not a training of this method. Give some of "
                "deep_incubation, {}.",
                to_text(chosen), name, fmt::join(known, ", "));
  }
}

/// Throws InputError if growth would have to remove blocks.
void check_growth(const RunConfig& config, bool is_grown) {
  if (!is_grown && config.phase(Phase::incubation).init != Init::meta) return;
  const ModelConfig& c = config.model;
  for (std::size_t i = 0; i < c.depths.size(); ++i) {
    check_input(c.depths[i] >= c.meta_depths[i],
                "stage {} has {} blocks in model.depths but {} in model.meta_depths: it cannot be grown from the meta "
                "model, as {} has it. Give {} or less in model.meta_depths.",
                i, c.depths[i], c.meta_depths[i], is_grown ? "the training grown" : "incubation.init=meta",
                c.depths[i]);
  }
}

void check_high_resolution(const RunConfig& config) {
  if (config.model.family == Family::vit) {
    check_tiles("high_resolution.image_size", config.image_size(Phase::high_resolution), config.model.patch);
  } else {
    check_halvings("high_resolution.image_size", config.image_size(Phase::high_resolution), config.model);
  }
}

void check_augmentation(const std::string& name, const PhaseConfig& c, std::int64_t channels, Shuffle shuffle) {
  check_input(c.crop_scale.size() == 2 && c.crop_scale[0] <= c.crop_scale[1],
              "{}.crop_scale={} is not a range of shares. Give a least and a largest one, such as 0.08,1.", name,
              to_text(c.crop_scale));
  check_input(
      shuffle == Shuffle::global || c.repeated_augmentation == 1,
      "{}.repeated_augmentation={} does not go with data.shuffle=block (repeats would fall into one micro-batch). "
      "Give 1, or data.shuffle=global.",
      name, c.repeated_augmentation);
  if (!c.rand_augment.empty()) parse_rand_augment(name + ".rand_augment", c.rand_augment);
  const bool changes_color = !c.rand_augment.empty() || c.color_jitter > 0;
  check_input(!changes_color || channels == 1 || channels == 3,
              "model.channels={} but {}.{} knows grey and colour images only. Switch it off.", channels, name,
              c.rand_augment.empty() ? "color_jitter" : "rand_augment");
}

}  // namespace

void validate(const RunConfig& config) {
  validate_without_data_file(config);
  check_input(!config.data.file.empty(), "data.file is missing. Name a file written by 'incubate pack'.");
}

void validate_without_data_file(const RunConfig& config) {
  check_printable(config);
  check_model(config.model);
  check_countable(config);
  check_data(config.data, config.model.channels);
  const OptimizerConfig& optimizer = config.optimizer;
  check_input(optimizer.name != OptimizerName::sgd || !optimizer.nesterov || optimizer.momentum > 0,
              "optimizer.nesterov=true looks ahead along the momentum, but optimizer.momentum=0. Give a momentum, such "
              "as 0.9, or optimizer.nesterov=false.");
  const std::set<Phase> running = find_running_phases(config);
  for (const MethodRow& row : kMethodTable) {
    const PhaseConfig& phase = config.phase(row.phase);
    if (running.contains(row.phase)) check_micro_batches(row.section, phase.micro, config.batch.global);
    check_augmentation(row.section, phase, config.model.channels, config.data.shuffle);
  }
  check_input(config.run.precision == Precision::fp32 || config.model.family == Family::vit,
              "run.precision=bf16 is for vision transformers, and model.family=resnet. Set run.precision=fp32.");
  check_input(!config.run.nvtx || config.run.profile == 0,
              "run.nvtx=true and run.profile={} are two profilers, of which one can be on at a time. Give one of them.",
              config.run.profile);
  check_choice(config);
  check_growth(config, running.contains(Phase::grown));
  check_input(!running.contains(Phase::transfer) || !config.transfer.from.empty(),
              "transfer.from is missing, and transfer starts from other weights. Name a training's file, such as "
              "runs/NAME/checkpoints/finetuned.h5, or a safetensors file.");
  if (running.contains(Phase::high_resolution) || running.contains(Phase::end_to_end_high_resolution)) {
    check_high_resolution(config);
  }
}

}  // namespace incubate
