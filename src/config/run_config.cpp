#include "config/run_config.h"

#include <algorithm>
#include <set>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/path_setting.h"

namespace incubate {
namespace {

void append(std::vector<Setting>& all, std::vector<Setting> more) {
  for (Setting& setting : more) all.push_back(std::move(setting));
}

/// Setting it sets the whole model: it stands before the other settings, which then have their say.
Setting preset_setting(ModelConfig& c, std::span<const Setting> model) {
  std::string names;
  for (const auto& [preset, name] : model_preset_names()) names += (names.empty() ? "" : ", ") + std::string(name);
  Setting setting = make_enum_setting<ModelPreset>(
      "model.preset", c.preset, model_preset_names(), Kind::operation,
      "a network whose settings are the defaults of those below; custom: none. One of " + names);
  setting.unit = "name";  // all names would make a long line
  setting.set = [set = setting.set, &c](const std::string& text) {
    set(text);
    apply_preset(c.preset, c);
  };
  for (const Setting& part : model) setting.stands_for.push_back(part.name);
  return setting;
}

std::vector<Setting> list_settings(ModelConfig& c) {
  const Kind r = Kind::result;
  std::vector<Setting> list = {
      make_enum_setting<Family>("model.family", c.family, {{Family::vit, "vit"}, {Family::resnet, "resnet"}}, r,
                                "kind of network; settings of the other kind, named below, have no effect"),
      make_setting("model.image_size", c.image_size, r, "pixels", "height and width of an image"),
      make_setting("model.channels", c.channels, r, "", "channels of an image"),
      make_setting("model.classes", c.classes, r, "", "classes to tell apart"),
      make_setting("model.patch", c.patch, r, "pixels", "ViT: side of a patch; divides image_size"),
      make_setting("model.width", c.width, r, "", "ViT: embedding dimension"),
      make_setting("model.heads", c.heads, r, "", "ViT: attention heads; divides width"),
      make_setting("model.mlp_ratio", c.mlp_ratio, r, "", "ViT: hidden width of the MLP over width"),
      make_setting("model.qkv_bias", c.qkv_bias, r, "true|false", "ViT: whether queries, keys and values have a bias"),
      make_setting("model.norm_eps", c.norm_eps, r, "", "LayerNorm or batch norm: added to the variance"),
      make_setting("model.layer_scale", c.layer_scale, r, "",
                   "ViT: first value of a factor that each branch learns for each of its outputs; 0: no factors"),
      make_setting("model.widths", c.widths, r, "channels",
                   "ResNet: width of each group of blocks; a group halves the image of the one before"),
      make_setting("model.group_depth", c.group_depth, r, "blocks",
                   "ResNet: depth of each group; all groups together are as deep as all stages"),
      make_setting("model.depths", c.depths, r, "blocks", "depth of each stage of the target network"),
      make_setting("model.meta_depths", c.meta_depths, r, "blocks", "depth of each stage of the meta model")};
  list.insert(list.begin(), preset_setting(c, list));
  return list;
}

std::vector<Setting> list_settings(DataConfig& c) {
  const Kind r = Kind::result, o = Kind::operation;
  return {
      make_path_setting("data.file", c.file, Kind::operation, "images, as written by 'incubate pack'"),
      make_setting("data.mean", c.mean, r, "0..1", "mean of each channel, subtracted"),
      make_setting("data.std", c.std, r, "0..1", "standard deviation of each channel, divided by"),
      make_setting("data.crop_padding", c.crop_padding, r, "pixels",
                   "zero padding of a training image before a random crop to its size"),
      make_setting("data.flip", c.flip, r, "true|false", "mirror every second training image, at random"),
      make_setting("data.eval_crop", c.eval_crop, r, "0..1",
                   "part of the resized image that is evaluated, where crop is resized"),
      make_enum_setting<Shuffle>("data.shuffle", c.shuffle, {{Shuffle::global, "global"}, {Shuffle::block, "block"}}, r,
                                 "order of training images: random, or random runs of neighbours"),
      make_setting("data.shuffle_block", c.shuffle_block, r, "images", "neighbours in a run (data.shuffle=block)"),
      make_setting("data.workers", c.workers, o, "threads",
                   "of each rank that read and augment images; 0: it does so itself"),
      make_setting("data.prefetch", c.prefetch, o, "batches", "made ahead by them"),
      make_enum_setting<OnDataError>("data.on_error", c.on_error,
                                     {{OnDataError::fail, "fail"}, {OnDataError::skip, "skip"}}, o,
                                     "a damaged image ends the run, or the next one takes its place"),
      make_enum_setting<Cache>("data.cache", c.cache, {{Cache::none, "none"}, {Cache::node, "node"}}, o,
                               "read encoded images from copies on each node"),
      make_path_setting("data.cache_directory", c.cache_directory, o,
                        "of these copies; by default below $SLURM_TMPDIR, $TMPDIR or /tmp")};
}

std::vector<Setting> list_settings(OptimizerConfig& c) {
  const Kind r = Kind::result;
  return {make_enum_setting<OptimizerName>("optimizer.name", c.name,
                                           {{OptimizerName::adamw, "adamw"}, {OptimizerName::sgd, "sgd"}}, r,
                                           "AdamW, or gradient descent with momentum"),
          make_setting("optimizer.momentum", c.momentum, r, "0..1", "SGD: decay of the sum of gradients"),
          make_setting("optimizer.nesterov", c.nesterov, r, "true|false", "SGD: Nesterov's momentum, or the plain one"),
          make_setting("optimizer.beta1", c.beta1, r, "0..1", "AdamW: decay of the mean gradient"),
          make_setting("optimizer.beta2", c.beta2, r, "0..1", "AdamW: decay of the mean squared gradient"),
          make_setting("optimizer.epsilon", c.epsilon, r, "", "AdamW: added to the root of the mean square")};
}

std::vector<Setting> list_settings(TrainConfig& c) {
  // No result depends on it: where a run that may not skip ends at all, it has skipped nothing.
  return {make_enum_setting<OnNonfinite>("train.on_nonfinite", c.on_nonfinite,
                                         {{OnNonfinite::stop, "stop"}, {OnNonfinite::skip, "skip"}}, Kind::operation,
                                         "a step whose loss or gradient is not finite ends the run, or is left out"),
          make_setting("train.evaluate_every", c.evaluate_every, Kind::operation, "epochs",
                       "between evaluations on the validation images; there is always one at a training's end")};
}

/// The settings that make a recipe: all of a phase but its length, its first weights and its image size.
std::vector<Setting> list_recipe_settings(const std::string& section, PhaseConfig& c) {
  const Kind r = Kind::result;
  return {make_setting(section + ".micro", c.micro, r, "images", "micro-batch: what one forward pass sees"),
          make_setting(section + ".learning_rate", c.learning_rate, r, "per 512 images",
                       "peak, scaled by batch.global/512"),
          make_setting(section + ".min_learning_rate", c.min_learning_rate, r, "", "where the cosine ends"),
          make_setting(section + ".warmup_epochs", c.warmup_epochs, r, "epochs", "linear rise to the peak"),
          make_setting(section + ".warmup_learning_rate", c.warmup_learning_rate, r, "", "where the rise begins"),
          make_enum_setting<Granularity>(section + ".granularity", c.granularity,
                                         {{Granularity::step, "step"}, {Granularity::epoch_lagged, "epoch_lagged"}}, r,
                                         "the rate changes each step, or each epoch and lags by one"),
          make_setting(section + ".weight_decay", c.weight_decay, r, "",
                       "AdamW's, or for SGD added to the gradient; not applied to biases and norms"),
          make_setting(section + ".layer_decay", c.layer_decay, r, "0..1",
                       "factor of the learning rate from each layer to the one before it; 1: none"),
          make_setting(section + ".ema_decay", c.ema_decay, r, "0..1",
                       "decay of an average of the weights, which is then the result; 0: none"),
          make_setting(section + ".drop_path", c.drop_path, r, "0..1", "stochastic depth of the last block"),
          make_setting(section + ".mixup", c.mixup, r, "", "alpha of the blending of images (DeiT: 0.8); 0: none"),
          make_setting(section + ".cutmix", c.cutmix, r, "",
                       "alpha of the exchange of boxes between images (DeiT: 1); 0: none"),
          make_setting(section + ".clip_norm", c.clip_norm, r, "", "largest norm of the gradient; 0: do not clip"),
          make_setting(section + ".label_smoothing", c.label_smoothing, r, "0..1", "weight of the uniform target"),
          make_enum_setting<Crop>(section + ".crop", c.crop,
                                  {{Crop::none, "none"}, {Crop::padding, "padding"}, {Crop::resized, "resized"}}, r,
                                  "of training images: at random after data.crop_padding, or a random part resized to "
                                  "image_size"),
          make_setting(section + ".crop_scale", c.crop_scale, r, "0..1,0..1",
                       "least and largest share of the area that a resized crop takes"),
          make_setting(section + ".color_jitter", c.color_jitter, r, "0..1",
                       "strength of random brightness, contrast and saturation; off while RandAugment is on"),
          make_setting(section + ".rand_augment", c.rand_augment, r, "policy",
                       "RandAugment, such as rand-m9-mstd0.5-inc1; empty: off"),
          make_setting(section + ".random_erasing", c.random_erasing, r, "0..1",
                       "probability that a rectangle becomes noise"),
          make_setting(section + ".repeated_augmentation", c.repeated_augmentation, r, "copies",
                       "times that an image is read in an epoch, which keeps its length")};
}

/// The first row of each section.
std::vector<const MethodRow*> list_sections() {
  std::vector<const MethodRow*> sections;
  for (const MethodRow& row : kMethodTable) {
    const auto is_same = [&row](const MethodRow* other) { return std::string_view(other->section) == row.section; };
    if (std::ranges::none_of(sections, is_same)) sections.push_back(&row);
  }
  return sections;
}

Setting epochs_setting(const MethodRow& row, PhaseConfig& c) {
  const bool may_be_matched = row.matched == Matched::possible;
  return make_setting(
      std::string(row.section) + ".epochs", c.epochs, Kind::result, "number|matched",
      fmt::format("passes over the images{}{}", may_be_matched ? ", or the block FLOPs of Deep Incubation" : "",
                  may_be_matched && row.source ? ", less those of what it starts from" : ""));
}

/// Settings of how a phase begins, which only some phases have.
std::vector<Setting> list_start_settings(const MethodRow& row, PhaseConfig& c) {
  const std::string section = row.section;
  if (row.network == Network::hybrid) {
    return {make_enum_setting<Init>(section + ".init", c.init, {{Init::random, "random"}, {Init::meta, "meta"}},
                                    Kind::result,
                                    "the stage's first weights: random, or grown from the meta model's stage")};
  }
  if (row.network == Network::target && row.first_weights == FirstWeights::random) {
    return {make_enum_setting<Init>(section + ".init", c.init,
                                    {{Init::random, "random"}, {Init::zero_branches, "zero_branches"}}, Kind::result,
                                    "first weights; zero_branches: every block is the identity")};
  }
  if (row.first_weights == FirstWeights::resampled) {
    return {make_setting(section + ".image_size", c.image_size, Kind::result, "pixels",
                         "height and width of an image; the position embedding is resampled")};
  }
  return {};
}

/// Whether the recipe of `section` is that of `from` until the section says something else.
bool takes_recipe_of(const MethodRow& section, const MethodRow& from) {
  if (section.phase == from.phase) return true;
  return section.inherits && takes_recipe_of(row_of(*section.inherits), from);
}

/// The first of `same`, which sets all of them.
Setting set_together(std::vector<Setting> same) {
  Setting all = same.front();
  all.set = [same = std::move(same)](const std::string& text) {
    for (const Setting& setting : same) setting.set(text);
  };
  return all;
}

/// The section [recipe], which sets all phases; behind it the phases' own, which then have their say, heirs last.
std::vector<Setting> list_phase_settings(RunConfig& config) {
  const std::vector<const MethodRow*> sections = list_sections();
  std::vector<std::vector<Setting>> own;  // of each section: its length, then its recipe
  for (const MethodRow* row : sections) {
    own.push_back({epochs_setting(*row, config.phase(row->phase))});
    append(own.back(), list_recipe_settings(row->section, config.phase(row->phase)));
  }
  std::vector<Setting> all;
  for (std::size_t i = 0; i < own.front().size(); ++i) {
    std::vector<Setting> same;
    for (const std::vector<Setting>& section : own) same.push_back(section[i]);
    Setting shorthand = set_together(std::move(same));
    shorthand.name = "recipe" + shorthand.name.substr(shorthand.name.find('.'));
    shorthand.kind = Kind::operation;
    shorthand.is_shorthand = true;
    all.push_back(std::move(shorthand));
  }
  for (std::size_t i = 0; i < sections.size(); ++i) {
    all.push_back(own[i].front());
    for (std::size_t k = 1; k < own[i].size(); ++k) {
      std::vector<Setting> same = {own[i][k]};
      for (std::size_t j = i + 1; j < sections.size(); ++j) {
        if (takes_recipe_of(*sections[j], *sections[i])) same.push_back(own[j][k]);
      }
      all.push_back(set_together(std::move(same)));
    }
    append(all, list_start_settings(*sections[i], config.phase(sections[i]->phase)));
  }
  return all;
}

std::vector<Setting> list_settings(RunSection& c) {
  const Kind r = Kind::result;
  const Kind o = Kind::operation;
  return {
      make_path_setting("run.directory", c.directory, o, "outputs; empty: runs/NAME of the input file"),
      make_setting("run.seed", c.seed, r, "", "of all random numbers"),
      make_enum_setting<SumsChoice>(
          "run.sums", c.sums,
          {{SumsChoice::automatic, "auto"}, {SumsChoice::exact, "exact"}, {SumsChoice::fast, "fast"}}, r,
          "gradient sums: exact, the same on any number of ranks, or fast, in fp32; auto: as the run began, exact for "
          "a new one on the CPU, fast on GPUs"),
      make_enum_setting<Precision>("run.precision", c.precision, {{Precision::fp32, "fp32"}, {Precision::bf16, "bf16"}},
                                   r, "bf16: products and attention, with fp32 weights, norms and loss"),
      make_enum_setting<Recompute>(
          "run.recompute", c.recompute, {{Recompute::none, "none"}, {Recompute::blocks, "blocks"}}, o,
          "blocks: of a block its input alone is kept and the rest computed again, for less memory"),
      make_setting("run.threads", c.threads, r, "", "threads a rank computes with"),
      make_enum_setting<DeviceChoice>(
          "run.device", c.device,
          {{DeviceChoice::automatic, "auto"}, {DeviceChoice::cpu, "cpu"}, {DeviceChoice::cuda, "cuda"}}, o,
          "auto: a GPU for every rank if the node has them"),
      make_setting("run.timeout_s", c.timeout_s, o, "s", "a collective that takes longer ends the job"),
      make_setting("run.grace_seconds", c.grace_seconds, o, "s",
                   "before the end of a Slurm job's time: all is saved and the job ends"),
      make_setting("run.round_cost_s", c.round_cost_s, o, "s",
                   "what dealing the ranks anew costs; a lower figure makes for more rounds"),
      make_enum_setting<ProgressStyle>("run.progress", c.progress,
                                       {{ProgressStyle::automatic, "auto"},
                                        {ProgressStyle::bar, "bar"},
                                        {ProgressStyle::lines, "lines"},
                                        {ProgressStyle::none, "none"}},
                                       o, "how progress is shown"),
      make_setting("run.only", c.only, o, "training", "train this one only; empty: all"),
      make_setting("run.peak_tflops", c.peak_tflops, o, "TFLOP/s",
                   "of a rank, of which utilisation is a part; 0: that of a matrix product, measured"),
      make_setting("run.profile", c.profile, o, "steps",
                   "of each training that are profiled by operator, below profile/; 0: none"),
      make_setting("run.shard_optimizer", c.shard_optimizer, o, "true|false",
                   "each rank keeps the optimizer's state of its part of the parameters alone"),
      make_setting("run.cuda_graph", c.cuda_graph, o, "true|false",
                   "on a GPU: a micro-batch without stochastic depth is recorded once and replayed"),
      make_setting("run.nvtx", c.nvtx, o, "true|false", "on a GPU: operators are ranges that Nsight Systems shows")};
}

std::vector<Setting> list_settings(CheckpointConfig& c) {
  const Kind o = Kind::operation;
  return {make_setting("checkpoint.every_steps", c.every_steps, o, "steps",
                       "between checkpoints to resume from; 0: not by steps"),
          make_setting("checkpoint.every_minutes", c.every_minutes, o, "min",
                       "between checkpoints to resume from; 0: not by time"),
          make_setting("checkpoint.keep", c.keep, o, "files", "checkpoints kept of a training in progress")};
}

}  // namespace

Sums sums_of(const RunSection& run) {
  if (run.sums == SumsChoice::automatic) return run.device == DeviceChoice::cuda ? Sums::fast : Sums::exact;
  return run.sums == SumsChoice::exact ? Sums::exact : Sums::fast;
}

void settle_sums(RunSection& run, bool is_on_gpu) {
  if (run.sums == SumsChoice::automatic) run.sums = is_on_gpu ? SumsChoice::fast : SumsChoice::exact;
}

bool applies_to(Family family, const std::string& name) {
  const std::set<std::string> of_vit = {"model.patch",     "model.width",    "model.heads",
                                        "model.mlp_ratio", "model.qkv_bias", "model.layer_scale"};
  const std::set<std::string> of_resnet = {"model.widths", "model.group_depth"};
  return !(family == Family::vit ? of_resnet : of_vit).contains(name);
}

std::string to_text(const Epochs& epochs) { return epochs.matched ? "matched" : to_text(epochs.count); }

void from_text(const std::string& name, const std::string& text, Epochs& epochs) {
  epochs.matched = text == "matched";
  if (epochs.matched) {
    epochs.count = 0;
  } else {
    from_text(name, text, epochs.count);
  }
}

RunConfig::RunConfig() {
  PhaseConfig& meta = phases["meta"];
  meta.epochs.count = 300;
  meta.micro = 256;
  PhaseConfig& incubation = phases["incubation"];
  incubation.epochs.count = 100;
  incubation.drop_path = 0.1;
  PhaseConfig& finetuning = phases["finetuning"];
  finetuning.epochs.count = 100;
  finetuning.micro = 64;
  finetuning.warmup_epochs = 0;
  finetuning.drop_path = 0.1;
  finetuning.clip_norm = 1;
  PhaseConfig& end_to_end = phases["end_to_end"];
  end_to_end.micro = 64;
  end_to_end.drop_path = 0.1;
  end_to_end.clip_norm = 1;
  // DeiT's finetuning at 384 pixels.
  PhaseConfig& high_resolution = phases["high_resolution"];
  high_resolution.epochs.count = 30;
  high_resolution.micro = 32;
  high_resolution.learning_rate = 5e-6;
  high_resolution.min_learning_rate = 5e-6;
  high_resolution.warmup_epochs = 0;
  high_resolution.weight_decay = 1e-8;
  high_resolution.drop_path = 0.1;
  high_resolution.clip_norm = 1;
  high_resolution.crop = Crop::resized;
  for (const MethodRow* row : list_sections()) {
    if (row->inherits) phases[row->section] = phase(*row->inherits);
    if (row->matched == Matched::possible) phases[row->section].epochs = {.count = 0, .matched = true};
  }
}

std::int64_t RunConfig::image_size(Phase phase) const {
  const bool is_resampled = row_of(phase).first_weights == FirstWeights::resampled;
  return is_resampled ? this->phase(phase).image_size : model.image_size;
}

std::vector<Setting> list_settings(RunConfig& config) {
  std::vector<Setting> all;
  append(all, list_settings(config.model));
  append(all, list_settings(config.data));
  all.push_back(
      make_setting("batch.global", config.batch.global, Kind::result, "images", "seen by one optimizer update"));
  append(all, list_settings(config.optimizer));
  append(all, list_settings(config.train));
  append(all, list_phase_settings(config));
  all.push_back(make_setting(
      "method.trainings", config.method.trainings, Kind::operation, "names",
      fmt::format("what is run, with what it starts from: {}, or single trainings", fmt::join(list_choices(), ", "))));
  append(all, list_settings(config.run));
  append(all, list_settings(config.checkpoint));
  return all;
}

}  // namespace incubate
