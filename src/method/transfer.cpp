#include "method/transfer.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/ranges.h>
#include <torch/torch.h>

#include "base/check.h"
#include "base/input_file.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"
#include "config/identity.h"
#include "config/ini.h"
#include "method/weight_files.h"
#include "model/resolution.h"
#include "model/weight_names.h"

namespace incubate {
namespace {

/// Weights of a file, by timm's names.
struct SourceWeights {
  std::string identity;
  StateDict tensors;
  std::optional<CheckpointHeader> header;  ///< of a checkpoint
};

bool is_checkpoint(const FilePath& path) {
  std::string begin(8, '\0');
  open_input_file(path).read(begin.data(), static_cast<std::streamsize>(begin.size()));
  return begin == "INCUBATE";
}

std::string hash_file(const FilePath& path) { return hash_text(read_input_file(path)); }

std::string identify(const FilePath& path) {
  return is_checkpoint(path) ? load_header(path).identity : hash_file(path);
}

/// Returns the checkpoint's weights by timm's names. `target` is a network of the same blocks; its stages may be
/// others.
StateDict by_timm_names(const Checkpoint& checkpoint, const ModelSpec& target, const FilePath& path) {
  constexpr std::string_view kBegin = "/stages/";
  struct Entry {
    std::int64_t stage;
    std::string name;
    torch::Tensor tensor;
  };
  std::vector<Entry> entries;
  ModelSpec spec = target;
  spec.depths.clear();
  for (const auto& [key, tensor] : checkpoint.state) {
    if (!key.starts_with(kBegin)) continue;
    const std::size_t slash = key.find('/', kBegin.size());
    const Entry entry{std::stoll(key.substr(kBegin.size(), slash - kBegin.size())), key.substr(slash + 1), tensor};
    if (entry.stage >= spec.num_stages()) spec.depths.resize(entry.stage + 1);
    spec.depths[entry.stage] = std::max(spec.depths[entry.stage], block_of(entry.name).value_or(-1) + 1);
    entries.push_back(entry);
  }
  check_input(std::ranges::count(spec.depths, 0) == 0,
              "transfer.from={} holds one stage of a network. Name the file of a training of a whole network, such as "
              "finetuned.",
              path.string());
  check_input(spec.num_blocks() == target.num_blocks(),
              "transfer.from={} has {} blocks, and the network that [model] describes has {}. Give weights of that "
              "network.",
              path.string(), spec.num_blocks(), target.num_blocks());
  spec.target_depths = spec.depths;
  StateDict weights;
  for (const Entry& entry : entries) {
    weights[weight_name(WeightFormat::timm, spec, entry.stage, entry.name)] = entry.tensor;
  }
  return weights;
}

SourceWeights load_source(const FilePath& path, const ModelSpec& target) {
  if (!is_checkpoint(path)) return {.identity = hash_file(path), .tensors = load_safetensors(path), .header = {}};
  Checkpoint checkpoint = load_checkpoint(path);
  return {.identity = checkpoint.header.identity,
          .tensors = by_timm_names(checkpoint, target, path),
          .header = std::move(checkpoint.header)};
}

/// Returns the settings among `names` that differ between two configurations, as "name=there there, name=here here".
std::vector<std::string> find_differences(const std::string& there, const std::string& here,
                                          const std::vector<std::string>& names) {
  const auto value = [](const std::string& text, const std::string& name) {
    for (const auto& [key, value] : split_ini(text, "the configuration")) {
      if (key == name) return value;
    }
    return std::string();
  };
  std::vector<std::string> texts;
  for (const std::string& name : names) {
    const std::string other = value(there, name), own = value(here, name);
    if (other != own) texts.push_back(fmt::format("{}={} there, {} here", name, other, own));
  }
  return texts;
}

/// Resamples the position embedding among `weights` to the size that `model` has. Returns what it did, or "".
std::string fit_position_embedding(StagedModel& model, StateDict& weights) {
  const auto found = weights.find("pos_embed");
  if (found == weights.end() || found->second.dim() != 3 || found->second.size(1) < 2) return "";
  const std::int64_t side = model.spec().image_size / model.spec().patch;
  const std::int64_t other = std::llround(std::sqrt(static_cast<double>(found->second.size(1) - 1)));
  if (other == side || found->second.size(1) != 1 + (other * other)) return "";
  found->second = resample_position_embedding(found->second, side);
  return fmt::format(", position embedding resampled from {0}x{0} to {1}x{1} patches", other, side);
}

}  // namespace

void settle_transfer(RunConfig& config) {
  const MethodRow& row = row_of(Phase::transfer);
  const bool is_named =
      config.run.only == row.training || std::ranges::count(config.method.trainings, row.training) > 0;
  if (is_named && config.transfer.source.empty()) config.transfer.source = identify(config.transfer.from);
}

std::string load_transferred(StagedModel& model, const Training& training) {
  const FilePath path = training.transfer.from;
  SourceWeights source = load_source(path, model.spec());
  check_input(source.identity == training.transfer.source,
              "transfer.from={} has other weights ({}) than this run began with (transfer.source={}). Give those back, "
              "or another run.directory, with an empty transfer.source, to begin anew.",
              path.string(), source.identity, training.transfer.source);
  std::string normalisation;
  bool has_same_classes = false;
  if (source.header) {
    // Weights of other heads fit, and give wrong results.
    const std::vector<std::string> differing =
        find_differences(source.header->config, training.config, {"model.heads", "model.norm_eps"});
    check_input(differing.empty(),
                "transfer.from={} is of another network ({}). Give weights of the network that "
                "[model] describes.",
                path.string(), fmt::join(differing, "; "));
    const std::vector<std::string> images =
        find_differences(source.header->config, training.config, {"data.mean", "data.std"});
    if (!images.empty()) {
      normalisation = fmt::format(", which learnt with another normalisation ({})", fmt::join(images, "; "));
    }
    has_same_classes = source.header->data && source.header->data->class_names == training.data.class_names;
  }
  const TransferHead choice = training.transfer.head;
  const bool takes_head = choice == TransferHead::keep || (choice == TransferHead::automatic && has_same_classes);
  const std::string resampling = fit_position_embedding(model, source.tensors);
  load_named_weights(model, WeightFormat::timm, std::move(source.tensors), path, takes_head);
  return fmt::format("{} starts from {}{}, {}{}{}", training.name, path.string(),
                     source.header ? " (" + source.header->training + ")" : "",
                     takes_head ? "with its head" : "with a new head", resampling, normalisation);
}

}  // namespace incubate
