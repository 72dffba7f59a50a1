#include "method/cost_model.h"

#include <algorithm>

#include "train/optimizer.h"

namespace incubate {
namespace {

constexpr std::int64_t kFloatBytes = 4;

std::int64_t tokens_bytes(const ModelSpec& spec) { return kFloatBytes * spec.num_tokens() * spec.width; }

std::int64_t image_bytes(const ModelSpec& spec) {
  return kFloatBytes * spec.channels * spec.image_size * spec.image_size;
}

std::int64_t first_learning_of(const Training& training) {
  return std::ranges::find(training.is_learning, true) - training.is_learning.begin();
}

/// What the frozen stages before the learning one leave: the outputs of all but the last (see FrozenPrefix), whose
/// output is the input that the learning stage keeps.
std::int64_t prefix_output_bytes(const Training& training) {
  return std::max<std::int64_t>(0, first_learning_of(training) - 1) * tokens_bytes(training.spec);
}

/// Kept from the first learning stage on, for one image: that of the blocks, the last block's output (for the norm) and
/// the logits.
std::int64_t kept_bytes(const Training& training) {
  const ModelSpec& spec = training.spec;
  std::int64_t bytes = tokens_bytes(spec) + (kFloatBytes * spec.classes);
  for (std::int64_t i = first_learning_of(training); i < spec.num_stages(); ++i) {
    bytes += spec.depths[i] * kept_bytes_of_block(spec, training.is_learning[i]);
  }
  return bytes;
}

std::int64_t activation_bytes_per_image(const Training& training) {
  const std::int64_t transient = first_learning_of(training) > 0 ? transient_bytes_of_block(training.spec) : 0;
  return image_bytes(training.spec) + prefix_output_bytes(training) + std::max(transient, kept_bytes(training));
}

}  // namespace

std::int64_t num_stage_parameters(const ModelSpec& spec, std::int64_t stage_index) {
  const std::int64_t width = spec.width;
  const std::int64_t options = (spec.qkv_bias ? 0 : -3) + (spec.layer_scale > 0 ? 2 : 0);
  const std::int64_t per_block =
      ((4 + (2 * spec.mlp_ratio)) * width * width) + ((9 + spec.mlp_ratio + options) * width);
  std::int64_t count = spec.depths.at(stage_index) * per_block;
  const std::int64_t patch_values = spec.channels * spec.patch * spec.patch;
  if (stage_index == 0)
    count += (patch_values + 1 + 1 + spec.num_tokens()) * width;  // weight, bias, class token, places
  if (stage_index + 1 == spec.num_stages()) count += (2 * width) + ((width + 1) * spec.classes);
  return count;
}

std::int64_t num_parameters(const ModelSpec& spec) {
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < spec.num_stages(); ++i) count += num_stage_parameters(spec, i);
  return count;
}

std::int64_t num_learning_parameters(const Training& training) {
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < training.spec.num_stages(); ++i) {
    if (training.is_learning[i]) count += num_stage_parameters(training.spec, i);
  }
  return count;
}

std::int64_t micro_batches_of(const RunConfig& config, Phase phase) {
  return config.batch.global / config.phase(phase).micro;
}

std::int64_t reduced_bytes_per_step(const Training& training, Sums sums) {
  const std::int64_t bytes_each = sums == Sums::exact ? sizeof(std::int64_t) : sizeof(float);
  return num_learning_parameters(training) * bytes_each;
}

double ring_all_reduce_s(std::int64_t bytes, std::int64_t num_ranks, double bytes_per_s) {
  if (bytes_per_s == 0) return 0;
  const auto ranks = static_cast<double>(num_ranks);
  return 2 * (ranks - 1) / ranks * static_cast<double>(bytes) / bytes_per_s;
}

MemorySettings memory_settings(const RunConfig& config, Phase phase) {
  return {.micro = config.phase(phase).micro,
          .sums = config.run.sums,
          .optimizer = config.optimizer,
          .has_average = config.phase(phase).ema_decay > 0};
}

Memory memory_per_rank(const std::vector<const Training*>& trainings, const MemorySettings& settings) {
  const auto num_states = static_cast<std::int64_t>(list_state_names(settings.optimizer).size());
  Memory memory;
  for (auto it = trainings.begin(); it != trainings.end(); ++it) {
    const Training* training = *it;
    for (std::int64_t i = 0; i < training->spec.num_stages(); ++i) {
      const bool is_shared = std::any_of(
          trainings.begin(), it, [&](const Training* before) { return have_same_frozen_stage(*training, *before, i); });
      if (!is_shared) memory.weights += kFloatBytes * num_stage_parameters(training->spec, i);
    }
    const std::int64_t learning_bytes = kFloatBytes * num_learning_parameters(*training);
    memory.gradients += learning_bytes;
    memory.optimizer += num_states * learning_bytes;
    if (settings.has_average) memory.average += learning_bytes;
    memory.sums += reduced_bytes_per_step(*training, settings.sums);
    memory.activations = std::max(memory.activations, settings.micro * activation_bytes_per_image(*training));
  }
  return memory;
}

std::int64_t kept_bytes_of_block(const ModelSpec& spec, bool is_learning) {
  const std::int64_t layer_scale = spec.layer_scale > 0 ? 2 : 0;
  const std::int64_t widths = is_learning ? 8 + (2 * spec.mlp_ratio) + layer_scale : 6 + spec.mlp_ratio;
  return kFloatBytes * spec.num_tokens() * ((widths * spec.width) + 4 + spec.heads);
}

std::int64_t transient_bytes_of_block(const ModelSpec& spec) { return (4 + (2 * spec.mlp_ratio)) * tokens_bytes(spec); }

}  // namespace incubate
