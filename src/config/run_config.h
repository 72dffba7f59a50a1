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

/// Precision of a network. bf16: products, attention and branches are bfloat16 and use copies of the fp32 weights. The
/// residual stream, norms, softmax, loss, sums and the optimizer are fp32.
enum class Precision { fp32, bf16 };
/// Activations that the backward pass recomputes: none, or all in blocks except the blocks' inputs.
enum class Recompute { none, blocks };
enum class DeviceChoice { automatic, cpu, cuda };
/// automatic: the sums that the run has used so far. A new run uses exact sums on the CPU and fast ones on GPUs.
enum class SumsChoice { automatic, exact, fast };
/// The vector instructions that the CPU computes with: all that it has, or AVX2's and older ones.
enum class InstructionCap { automatic, avx2 };
enum class ProgressStyle { automatic, bar, lines, none };
/// First weights of new stages: random; grown from the meta model (incubation); random with every block the identity
/// (end to end).
enum class Init { random, meta, zero_branches };

/// Order of the training images: a random permutation of the images, or of blocks of neighbours.
enum class Shuffle { global, block };
/// Reaction to a damaged image.
enum class OnDataError { fail, skip };
/// Source of images: the given files, or a copy on each node.
enum class Cache { none, node };

struct DataConfig {
  std::string file;
  std::vector<double> mean = {0.485, 0.456, 0.406};  // ImageNet's
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
  double beta1 = 0.9;     // this and the next two: AdamW
  double beta2 = 0.999;
  double epsilon = 1e-8;
};

/// Length of a training: a number of passes over the training images, or (matched) until it has spent the block FLOPs
/// of Deep Incubation, or, if not 0, a number of steps. from_text() sets the steps to 0.
struct Epochs {
  double count = 0;
  bool matched = false;
  std::int64_t steps = 0;
};
std::string to_text(const Epochs& epochs);
void from_text(const std::string& name, const std::string& text, Epochs& epochs);

/// The fall of the learning rate from its peak: half a period of a cosine, or a power of the share of steps left.
enum class Schedule { cosine, polynomial };

/// The learning rate changes every step or (`epoch_lagged`) once an epoch, to the schedule's value one epoch earlier,
/// as in timm's loop.
enum class Granularity { step, epoch_lagged };

/// Size of training images: unchanged, cut from the padded image, or a resized random part.
enum class Crop { none, padding, resized };

/// Settings of one phase. The defaults are DeiT's recipe; some phases override them.
struct PhaseConfig {
  Epochs epochs;
  std::int64_t micro = 128;
  double learning_rate = 5e-4;  // at a global batch of 512, scaled linearly
  double min_learning_rate = 1e-5;
  double warmup_epochs = 20;
  double warmup_learning_rate = 1e-6;
  Schedule schedule = Schedule::cosine;
  double power = 1;  // of the polynomial
  Granularity granularity = Granularity::step;
  double weight_decay = 0.05;
  double layer_decay = 1;  // ratio of each layer's learning rate to the next layer's; 1: none
  double ema_decay = 0;    // of the weights' average; 0: none
  bool ema_ramp = false;   // the decay rises to ema_decay
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
  Init init = Init::random;       // only for incubation and end to end
  std::int64_t image_size = 384;  // only for phases with resampled first weights
};

/// Reaction to a step whose loss or gradient is not finite.
enum class OnNonfinite { stop, skip };

struct TrainConfig {
  OnNonfinite on_nonfinite = OnNonfinite::stop;
  double evaluate_every = 1;         // epochs
  std::int64_t evaluate_images = 0;  // 0: all
};

/// The head of a network that starts from another's weights. automatic: kept if the classes have the same names.
enum class TransferHead { automatic, keep, fresh };

struct TransferConfig {
  std::string from;    // checkpoint of a training, or safetensors file
  std::string source;  // its identity, or hash of its content; empty: not known yet
  TransferHead head = TransferHead::automatic;
};

struct MethodConfig {
  std::vector<std::string> trainings = {"deep_incubation", "end_to_end"};
};

struct RunSection {
  std::string directory;  // empty: runs/NAME, with the input file's NAME
  std::string parent;     // another run; empty: none
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
  std::int64_t every_steps = 0;  // 0: never
  double every_minutes = 10;     // 0: never
  std::int64_t keep = 2;
};

/// The whole configuration of `incubate train`.
struct RunConfig {
  ModelConfig model;
  DataConfig data;
  BatchConfig batch;
  OptimizerConfig optimizer;
  TrainConfig train;
  std::map<std::string, PhaseConfig> phases;  // by their sections
  TransferConfig transfer;
  MethodConfig method;
  RunSection run;
  CheckpointConfig checkpoint;

  RunConfig();
  const PhaseConfig& phase(Phase phase) const { return phases.at(section_of(phase)); }
  PhaseConfig& phase(Phase phase) { return phases.at(section_of(phase)); }
  /// Returns the height and width in pixels of images for a phase's networks.
  std::int64_t image_size(Phase phase) const;
};

/// Returns the sums of `run`. SumsChoice::automatic means fast ones if run.device is cuda, else exact ones: a job
/// replaces it when it knows its device.
Sums sums_of(const RunSection& run);
/// Replaces SumsChoice::automatic by the sums of a new run on this device.
void settle_sums(RunSection& run, bool is_on_gpu);

/// Returns all settings of `config`, which must outlive them.
std::vector<Setting> list_settings(RunConfig& config);

}  // namespace incubate
