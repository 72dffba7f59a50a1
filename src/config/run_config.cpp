#include "config/run_config.h"

#include <algorithm>
#include <array>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/path_setting.h"

namespace incubate {
namespace {

void append(std::vector<Setting>& all, std::vector<Setting> more) {
  for (Setting& setting : more) all.push_back(std::move(setting));
}

const Range kThreads{.least = 1, .most = 1024};
const Range kShare{.least = 0, .most = 1};
const Range kPartOf{.least = 0, .is_open = true, .most = 1};
const Range kAlpha{.least = 0, .most = 100};
const Range kRate{.least = 0, .most = 1e9};
const Range kSeconds{.least = 0, .most = 1e6};
const Range kDecay{.least = 0, .most = 0.9999999};
const Range kBelowOne{.least = 0, .most = 0.99};

std::vector<Setting> list_settings(DataConfig& c) {
  SectionSettings s("data");
  s.add(make_path_setting("data.file", c.file, Kind::operation, "images, as written by 'incubate pack'"));
  s.result("mean", c.mean, "0..1", "mean of each channel, subtracted; left out: data.file's");
  s.result("std", c.std, "0..1", "standard deviation of each channel, divided by; left out: data.file's",
           {.least = 0, .is_open = true, .reason = "it divides"});
  s.result("crop_padding", c.crop_padding, "pixels",
           "zero padding of a training image before a random crop to its size", {.least = 0, .most = kCount.most});
  s.result("flip", c.flip, "true|false", "mirror every second training image, at random");
  s.result("eval_crop", c.eval_crop, "0..1", "part of the resized image that is evaluated, where crop is resized",
           kPartOf);
  s.result("shuffle", c.shuffle, {"global", "block"},
           "order of training images: random, or random runs of neighbours, which slow file systems read faster");
  s.result("shuffle_block", c.shuffle_block, "images", "neighbours in a run (data.shuffle=block)", kCount);
  s.operation("workers", c.workers, "threads", "of each rank that read and augment images; 0: it does so itself",
              {.least = 0, .most = kThreads.most});
  s.operation("prefetch", c.prefetch, "batches", "made ahead by them; more where reading takes uneven times", kThreads);
  s.operation("on_error", c.on_error, {"fail", "skip"},
              "a damaged image ends the run, or the next one takes its place, as large sets may need");
  s.operation("cache", c.cache, {"none", "node"},
              "read encoded images from copies on each node, where a shared file system is slow");
  s.add(make_path_setting("data.cache_directory", c.cache_directory, Kind::operation,
                          "of these copies; by default below $SLURM_TMPDIR, $TMPDIR or /tmp"));
  return s.take();
}

std::vector<Setting> list_settings(OptimizerConfig& c) {
  const bool is_sgd = c.name == OptimizerName::sgd;
  SectionSettings s("optimizer");
  s.result("name", c.name, {"adamw", "sgd"}, "AdamW, or gradient descent with momentum");
  s.result("momentum", c.momentum, "0..1", "SGD: decay of the sum of gradients", kDecay).is_idle = !is_sgd;
  s.result("nesterov", c.nesterov, "true|false", "SGD: Nesterov's momentum, or the plain one").is_idle = !is_sgd;
  s.result("beta1", c.beta1, "0..1", "AdamW: decay of the mean gradient (DeiT: 0.9)", kDecay).is_idle = is_sgd;
  s.result("beta2", c.beta2, "0..1", "AdamW: decay of the mean square (DeiT: 0.999)", kDecay).is_idle = is_sgd;
  s.result("epsilon", c.epsilon, "", "AdamW: added to the root of the mean square (DeiT: 1e-8)",
           {.least = 0, .is_open = true, .reason = "it keeps the division finite", .example = "1e-8"})
      .is_idle = is_sgd;
  return s.take();
}

std::vector<Setting> list_settings(TrainConfig& c) {
  SectionSettings s("train");
  // No result depends on this setting: a run with `stop` that finishes has never skipped a step.
  s.operation("on_nonfinite", c.on_nonfinite, {"stop", "skip"},
              "a step or an evaluation that is not finite ends the run, or is left out, so that a long run goes on");
  s.operation(
      "evaluate_every", c.evaluate_every, "epochs",
      "between evaluations, such as 0.1 (in whole steps, at least one); there is always one at a training's end",
      {.least = 0, .is_open = true, .most = kCount.most, .reason = "it is a time", .example = "0.1"});
  s.operation("evaluate_images", c.evaluate_images, "images",
              "so many validation images, always the same, in all evaluations but a training's last; 0: all",
              {.least = 0, .most = kCount.most});
  return s.take();
}

/// Returns the settings of a recipe: all settings of a phase except length, first weights and image size.
std::vector<Setting> list_recipe_settings(const std::string& section, PhaseConfig& c) {
  SectionSettings s(section);
  s.result("micro", c.micro, "images", "micro-batch: what one forward pass sees", kCount);
  s.result("learning_rate", c.learning_rate, "per 512 images", "peak, scaled by batch.global/512", kRate);
  s.result("min_learning_rate", c.min_learning_rate, "", "where the schedule ends", kRate);
  s.result("warmup_epochs", c.warmup_epochs, "epochs", "linear rise to the peak", kRate);
  s.result("warmup_learning_rate", c.warmup_learning_rate, "", "where the rise begins", kRate);
  s.result("schedule", c.schedule, {"cosine", "polynomial"},
           "fall from the peak: half a cosine, or the share of steps that are left, to the power of `power`");
  s.result("power", c.power, "", "of the polynomial (mmsegmentation: 1 for transformers, 0.9 for others)",
           {.least = 0, .is_open = true, .reason = "the rate falls", .example = "0.9"})
      .is_idle = c.schedule != Schedule::polynomial;
  s.result("granularity", c.granularity, {"step", "epoch_lagged"},
           "the rate changes each step, or each epoch and lags by one, as in timm and the method's reference");
  s.result("weight_decay", c.weight_decay, "",
           "AdamW's, or for SGD added to the gradient; not applied to biases and norms", kRate);
  s.result(
      "layer_decay", c.layer_decay, "0..1",
      "factor of the learning rate from each layer to the one before it, as in MAE's finetuning; 1: none",
      {.least = 0, .is_open = true, .most = 1, .reason = "0 would stop all layers but the last", .example = "0.75"});
  s.result("ema_decay", c.ema_decay, "0..1",
           "decay of an average of the weights, which is then the result, as timm's; 0: none", kDecay);
  s.result("ema_ramp", c.ema_ramp, "true|false",
           "the decay after t steps is (1 + t)/(10 + t) until that reaches ema_decay, for short trainings")
      .is_idle = c.ema_decay == 0;
  s.result("drop_path", c.drop_path, "0..1", "stochastic depth of the last block", kBelowOne);
  s.result("mixup", c.mixup, "", "alpha of the blending of images (DeiT: 0.8); 0: none", kAlpha);
  s.result("cutmix", c.cutmix, "", "alpha of the exchange of boxes between images (DeiT: 1); 0: none", kAlpha);
  s.result("clip_norm", c.clip_norm, "", "largest norm of the gradient; 0: do not clip", kRate);
  s.result("label_smoothing", c.label_smoothing, "0..1", "weight of the uniform target", kBelowOne);
  s.result("crop", c.crop, {"none", "padding", "resized"},
           "of training images: at random after data.crop_padding, or a random part resized to image_size");
  s.result("crop_scale", c.crop_scale, "0..1,0..1",
           "least and largest share of the area that a resized crop takes (DeiT: 0.08,1)", kPartOf);
  s.result("color_jitter", c.color_jitter, "0..1",
           "strength of random brightness, contrast and saturation, as timm's; off while RandAugment is on", kShare);
  s.result("rand_augment", c.rand_augment, "policy", "RandAugment, such as rand-m9-mstd0.5-inc1; empty: off");
  s.result("random_erasing", c.random_erasing, "0..1", "probability that a rectangle becomes noise", kShare);
  s.result("repeated_augmentation", c.repeated_augmentation, "copies",
           "times that an image is read in an epoch, which keeps its length", kCount);
  return s.take();
}

/// Returns the first row of each section.
std::vector<const MethodRow*> list_sections() {
  std::vector<const MethodRow*> sections;
  for (const MethodRow& row : kMethodTable) {
    const auto is_same = [&row](const MethodRow* other) { return std::string_view(other->section) == row.section; };
    if (std::ranges::none_of(sections, is_same)) sections.push_back(&row);
  }
  return sections;
}

constexpr std::size_t kNumLengthSettings = 2;

/// Returns the settings of a phase's length. Steps count, if both are given together; epochs that are set later, as on
/// the command line, replace them.
std::array<Setting, kNumLengthSettings> list_length_settings(const MethodRow& row, const std::string& section,
                                                             PhaseConfig& c) {
  const bool may_be_matched = row.matched == Matched::possible;
  return {make_setting(
              section + ".epochs", c.epochs, Kind::result, may_be_matched ? "number|matched" : "number",
              fmt::format("passes over the images{}{}", may_be_matched ? ", or the block FLOPs of Deep Incubation" : "",
                          may_be_matched && row.source ? ", less those of what it starts from" : ""),
              {.least = 0, .is_open = true, .most = 1e6, .word = may_be_matched ? "matched" : ""}),
          make_setting(section + ".steps", c.epochs.steps, Kind::result, "steps",
                       "updates of the weights, instead of epochs; 0: by epochs", {.least = 0, .most = kCount.most})};
}

/// Returns the settings of a phase's first weights, which only some phases have.
std::vector<Setting> list_start_settings(const MethodRow& row, RunConfig& config) {
  const std::string section = row.section;
  PhaseConfig& c = config.phase(row.phase);
  if (row.network == Network::hybrid) {
    return {make_enum_setting<Init>(section + ".init", c.init, {{Init::random, "random"}, {Init::meta, "meta"}},
                                    Kind::result,
                                    "the stage's first weights: random, or grown from the meta model's stage")};
  }
  if (row.network == Network::target && row.first_weights == FirstWeights::random) {
    return {make_enum_setting<Init>(
        section + ".init", c.init, {{Init::random, "random"}, {Init::zero_branches, "zero_branches"}}, Kind::result,
        "first weights; zero_branches: every block is the identity, as a grown network begins")};
  }
  if (row.first_weights == FirstWeights::resampled) {
    return {make_setting(section + ".image_size", c.image_size, Kind::result, "pixels",
                         "height and width of an image; the position embedding is resampled", kCount)};
  }
  if (row.first_weights == FirstWeights::transferred) {
    TransferConfig& transfer = config.transfer;
    SectionSettings s(section);
    s.add(make_path_setting(section + ".from", transfer.from, Kind::operation,
                            "first weights: runs/NAME/checkpoints/TRAINING.h5 of a run, or a safetensors file with "
                            "timm's names"));
    s.result("source", transfer.source, "", "identity of these weights; empty: as the run began, or the file says");
    s.result("head", transfer.head, {"auto", "keep", "new"},
             "theirs, or a new one; auto: theirs if the classes have the same names");
    return s.take();
  }
  return {};
}

/// Returns whether `section` takes the recipe of `from` for settings that it does not set itself.
bool takes_recipe_of(const MethodRow& section, const MethodRow& from) {
  if (section.phase == from.phase) return true;
  return section.inherits && takes_recipe_of(row_of(*section.inherits), from);
}

/// Makes `setting` set `heirs` too.
void set_together(Setting& setting, const std::vector<Setting>& heirs) {
  setting.set = [own = setting.set, heirs](const std::string& text) {
    own(text);
    for (const Setting& heir : heirs) heir.set(text);
  };
  for (const Setting& heir : heirs) setting.heirs.push_back(heir.name);
}

/// Returns [recipe], which sets all phases, then the phases' own sections, heirs last. Later settings override.
std::vector<Setting> list_phase_settings(RunConfig& config) {
  const std::vector<const MethodRow*> sections = list_sections();
  const auto list_section = [](const MethodRow& row, const std::string& section, PhaseConfig& phase) {
    const auto length = list_length_settings(row, section, phase);
    std::vector<Setting> settings(length.begin(), length.end());
    append(settings, list_recipe_settings(section, phase));
    return settings;
  };
  std::vector<std::vector<Setting>> own;
  for (const MethodRow* row : sections) own.push_back(list_section(*row, row->section, config.phase(row->phase)));

  const auto unused = std::make_shared<PhaseConfig>();  // [recipe]'s own variables, so that messages name [recipe]
  std::vector<Setting> all = list_section(*sections.front(), "recipe", *unused);
  for (std::size_t k = 0; k < all.size(); ++k) {
    std::vector<Setting> heirs;
    for (const std::vector<Setting>& section : own) heirs.push_back(section[k]);
    set_together(all[k], heirs);
    all[k].set = [unused, set = all[k].set](const std::string& text) { set(text); };  // keeps `unused` alive
    all[k].get = heirs.front().get;
    all[k].kind = Kind::operation;
    all[k].is_shorthand = true;
  }
  for (std::size_t i = 0; i < sections.size(); ++i) {
    for (std::size_t k = kNumLengthSettings; k < own[i].size(); ++k) {  // no section inherits its length
      std::vector<Setting> heirs;
      for (std::size_t j = i + 1; j < sections.size(); ++j) {
        if (takes_recipe_of(*sections[j], *sections[i])) heirs.push_back(own[j][k]);
      }
      set_together(own[i][k], heirs);
    }
    append(all, std::move(own[i]));
    append(all, list_start_settings(*sections[i], config));
  }
  return all;
}

std::vector<Setting> list_settings(RunSection& c) {
  SectionSettings s("run");
  s.add(
      make_path_setting("run.directory", c.directory, Kind::operation, "outputs; empty: runs/NAME of the input file"));
  s.add(make_path_setting("run.parent", c.parent, Kind::operation,
                          "another run: its finished trainings are taken over where they are the same"));
  s.result("seed", c.seed, "", "of all random numbers; another one for a repetition", kNotNegative);
  s.result("sums", c.sums, {"auto", "exact", "fast"},
           "gradient sums: exact, the same on any number of ranks, or fast, in fp32; auto: as the run began, exact for "
           "a new one on the CPU, fast on GPUs");
  s.result("precision", c.precision, {"fp32", "bf16"},
           "bf16, for speed: products and attention, with fp32 weights, norms and loss");
  s.operation("recompute", c.recompute, {"none", "blocks"},
              "blocks: of a block its input alone is kept and the rest computed again, for less memory");
  s.result("threads", c.threads, "", "threads a rank computes with; more where a node has few ranks", kThreads);
  s.operation("instructions", c.instructions, {"auto", "avx2"},
              "of CPUs: all they have, or no newer than AVX2, so that nodes of different processors differ less");
  s.operation("device", c.device, {"auto", "cpu", "cuda"}, "auto: a GPU for every rank if the node has them");
  s.operation("timeout_s", c.timeout_s, "s",
              "a collective that takes longer ends the job; more where file systems stall",
              {.least = 1, .most = kSeconds.most});
  s.operation("grace_seconds", c.grace_seconds, "s",
              "before the end of a Slurm job's time: all is saved and the job ends", kSeconds);
  s.operation("round_cost_s", c.round_cost_s, "s",
              "what dealing the ranks anew costs, mostly files; a lower figure makes for more rounds", kSeconds);
  s.operation("progress", c.progress, {"auto", "bar", "lines", "none"},
              "how progress is shown: on a terminal, in a log, or not");
  s.operation("only", c.only, "training", "train this one only; empty: all");
  s.operation("peak_tflops", c.peak_tflops, "TFLOP/s",
              "of a rank, of which utilisation is a part; 0: that of a matrix product, measured", kRate);
  s.operation("profile", c.profile, "steps", "of each training that are profiled by operator, below profile/; 0: none",
              kNotNegative);
  s.operation("shard_optimizer", c.shard_optimizer, "true|false",
              "each rank keeps the optimizer's state of its part of the parameters alone, for less memory");
  s.operation("cuda_graph", c.cuda_graph, "true|false",
              "on a GPU: a micro-batch without stochastic depth is recorded once and replayed, for small networks");
  s.operation("nvtx", c.nvtx, "true|false", "on a GPU: operators are ranges that Nsight Systems shows");
  return s.take();
}

std::vector<Setting> list_settings(CheckpointConfig& c) {
  SectionSettings s("checkpoint");
  s.operation("every_steps", c.every_steps, "steps", "between checkpoints to resume from; 0: not by steps",
              kNotNegative);
  s.operation("every_minutes", c.every_minutes, "min", "between checkpoints to resume from; 0: not by time", kSeconds);
  s.operation("keep", c.keep, "files", "checkpoints kept of a training in progress; more against damaged files",
              kCount);
  return s.take();
}

}  // namespace

Sums sums_of(const RunSection& run) {
  if (run.sums == SumsChoice::automatic) return run.device == DeviceChoice::cuda ? Sums::fast : Sums::exact;
  return run.sums == SumsChoice::exact ? Sums::exact : Sums::fast;
}

void settle_sums(RunSection& run, bool is_on_gpu) {
  if (run.sums == SumsChoice::automatic) run.sums = is_on_gpu ? SumsChoice::fast : SumsChoice::exact;
}

std::string to_text(const Epochs& epochs) { return epochs.matched ? "matched" : to_text(epochs.count); }

void from_text(const std::string& name, const std::string& text, Epochs& epochs) {
  Epochs given = {.matched = text == "matched"};
  if (!given.matched) from_text(name, text, given.count);
  epochs = given;
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
  // DeiT's finetuning at 384 pixels has these values.
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
  all.push_back(make_setting("batch.global", config.batch.global, Kind::result, "images",
                             "seen by one optimizer update", kCount));
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
