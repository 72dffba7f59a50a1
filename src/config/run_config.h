#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/exact_sum.h"
#include "config/method_table.h"
#include "config/network.h"
#include "config/setting.h"

namespace incubate {

/// What a network computes in. bf16: products, attention and branches in bfloat16, from copies of the fp32 weights;
/// what runs past the branches, norms, softmax, loss, sums and the optimizer in fp32.
enum class Precision { fp32, bf16 };
/// What the backward pass computes again, so that it is not kept: nothing, or all in blocks but their inputs.
enum class Recompute { none, blocks };
enum class DeviceChoice { automatic, cpu, cuda };
/// automatic: the sums of the run so far; of a new run exact ones on the CPU, fast ones on GPUs.
enum class SumsChoice { automatic, exact, fast };
/// The vector instructions that the CPU computes with: all that it has, or AVX2's and older ones.
enum class InstructionCap { automatic, avx2 };
enum class ProgressStyle { automatic, bar, lines, none };
/// First weights of what learns from scratch: random; grown from the meta model's (incubation); random, but with every
/// block the identity (end to end).
enum class Init { random, meta, zero_branches };

/// The order of the training images: one random permutation, or one of runs of neighbours.
enum class Shuffle { global, block };
/// What becomes of an image that is damaged.
enum class OnDataError { fail, skip };
/// Where images are read from: where they are, or copies of theirs on each node.
enum class Cache { none, node };

struct DataConfig {
  std::string file;
  std::vector<double> mean = {0.485, 0.456, 0.406};  // ImageNet
  std::vector<double> std = {0.229, 0.224, 0.225};
  std::int64_t crop_padding = 0;
  bool flip = false;
  double eval_crop = 0.875;  // 224 of 256 pixels
  Shuffle shuffle = Shuffle::global;
  std::int64_t shuffle_block = 1024;
  std::int64_t workers = 0;
  std::int64_t prefetch = 2;
  OnDataError on_error = OnDataError::fail;
  Cache cache = Cache::none;
  std::string cache_directory;  // empty: SLURM_TMPDIR, TMPDIR or /tmp
};

struct BatchConfig {
  std::int64_t global = 2048;
};

enum class OptimizerName { adamw, sgd };

struct OptimizerConfig {
  OptimizerName name = OptimizerName::adamw;
  double momentum = 0.9;  // SGD
  bool nesterov = true;   // SGD
  double beta1 = 0.9;     // AdamW, as are the next two
  double beta2 = 0.999;
  double epsilon = 1e-8;
};

/// How long a training lasts: a number of passes over the training images, or as long as it takes to spend the block
/// FLOPs that the whole of Deep Incubation spends.
struct Epochs {
  double count = 0;
  bool matched = false;
};
std::string to_text(const Epochs& epochs);
void from_text(const std::string& name, const std::string& text, Epochs& epochs);

/// How often the learning rate changes. `epoch_lagged`: once an epoch, to the value one epoch before it, as timm's loop
/// does.
enum class Granularity { step, epoch_lagged };

/// How training images get their size: not at all, cut from the padded image, or a random part resized.
enum class Crop { none, padding, resized };

/// Settings of one phase. The defaults are the DeiT recipe; the phases override some of them.
struct PhaseConfig {
  Epochs epochs;
  std::int64_t micro = 128;
  double learning_rate = 5e-4;  // at a global batch of 512, scaled linearly
  double min_learning_rate = 1e-5;
  double warmup_epochs = 20;
  double warmup_learning_rate = 1e-6;
  Granularity granularity = Granularity::step;
  double weight_decay = 0.05;
  double layer_decay = 1;  // of the learning rate, from each layer to the one before; 1: none
  double ema_decay = 0;    // of the average of the weights; 0: none
  bool ema_ramp = false;   // the decay rises to that
  double drop_path = 0;
  double mixup = 0;   // DeiT: 0.8
  double cutmix = 0;  // DeiT: 1.0
  double clip_norm = 0;
  double label_smoothing = 0.1;
  Crop crop = Crop::padding;
  std::vector<double> crop_scale = {0.08, 1};
  double color_jitter = 0;
  std::string rand_augment;  // empty: off
  double random_erasing = 0;
  std::int64_t repeated_augmentation = 1;
  Init init = Init::random;       // a setting of incubation and of end to end
  std::int64_t image_size = 384;  // a setting of phases whose first weights are resampled
};

/// What becomes of a step whose loss or gradient is not finite.
enum class OnNonfinite { stop, skip };

struct TrainConfig {
  OnNonfinite on_nonfinite = OnNonfinite::stop;
  std::int64_t evaluate_every = 1;  // epochs
};

struct MethodConfig {
  std::vector<std::string> trainings = {"deep_incubation", "end_to_end"};
};

struct RunSection {
  std::string directory;  // empty: runs/NAME, NAME being the input file's
  std::int64_t seed = 0;
  SumsChoice sums = SumsChoice::automatic;
  Precision precision = Precision::fp32;
  Recompute recompute = Recompute::none;
  std::int64_t threads = 1;
  InstructionCap instructions = InstructionCap::automatic;
  DeviceChoice device = DeviceChoice::automatic;
  double timeout_s = 600;
  double grace_seconds = 120;
  double round_cost_s = 10;
  ProgressStyle progress = ProgressStyle::automatic;
  std::string only;
  double peak_tflops = 0;    // of a rank; 0: measured
  std::int64_t profile = 0;  // steps; 0: none
  bool shard_optimizer = false;
  bool cuda_graph = false;
  bool nvtx = false;
};

struct CheckpointConfig {
  std::int64_t every_steps = 0;  // 0: not by steps
  double every_minutes = 10;     // 0: not by time
  std::int64_t keep = 2;
};

/// Everything that `incubate train` can be told.
struct RunConfig {
  ModelConfig model;
  DataConfig data;
  BatchConfig batch;
  OptimizerConfig optimizer;
  TrainConfig train;
  std::map<std::string, PhaseConfig> phases;  // by their sections
  MethodConfig method;
  RunSection run;
  CheckpointConfig checkpoint;

  RunConfig();
  const PhaseConfig& phase(Phase phase) const { return phases.at(section_of(phase)); }
  PhaseConfig& phase(Phase phase) { return phases.at(section_of(phase)); }
  /// Height and width of the images that a phase's networks see.
  std::int64_t image_size(Phase phase) const;
};

/// The sums that `run` names. SumsChoice::automatic stands for fast ones if run.device is cuda, else for exact ones: a
/// job replaces it when it knows its device.
Sums sums_of(const RunSection& run);
/// Replaces SumsChoice::automatic by the sums of a new run on this device.
void settle_sums(RunSection& run, bool is_on_gpu);

/// All settings of `config`, which must outlive the result.
std::vector<Setting> list_settings(RunConfig& config);

}  // namespace incubate
