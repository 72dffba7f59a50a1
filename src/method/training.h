#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/run_config.h"
#include "data/dataset_info.h"
#include "model/head.h"
#include "model/spec.h"

namespace incubate {

/// The origin of a stage's first weights.
enum class Start {
  random,
  zero_branches,  ///< random, but every block is the identity (see growth.h)
  copy,           ///< another training's stage
  grow,           ///< another training's stage, with identity blocks added
  resample,       ///< another training's stage at another image size (see resolution.h)
  transfer,       ///< that of `Training::transfer`
};

/// One optimisation of one model: its network, first weights, length, and what its result depends on.
struct Training {
  std::string name;  ///< meta, stage_0, ..., finetuned, end_to_end, grown, shallow, high_resolution, ...
  Phase phase = Phase::meta;
  ModelSpec spec;
  HeadCost head = {};                       ///< of the task's head
  std::vector<bool> is_learning;            ///< of each stage
  std::vector<Start> starts = {};           ///< of each stage
  std::vector<std::string> weight_sources;  ///< of each stage: the training that it is copied or grown from; else empty
  TransferConfig transfer = {};             ///< of a training with Start::transfer
  std::int64_t total_steps = 0;
  double block_flops_per_image = 0;
  std::string identity_text = {};  ///< all settings and parents that the result depends on, one a line
  std::string identity = {};       ///< hash of `identity_text`
  std::string config = {};         ///< effective configuration, as INI
  DatasetInfo data = {};           ///< what it trains on
  bool is_chosen =
      false;  ///< requested, also through a descendant, by method.trainings or run.only; not in the identity

  /// Returns the trainings named in weight_sources, each once.
  std::vector<std::string> parents() const;
  /// Returns the block FLOPs of the first `steps` steps.
  double block_flops(std::int64_t global_batch, std::int64_t steps) const {
    return block_flops_per_image * static_cast<double>(global_batch) * static_cast<double>(steps);
  }
  /// Returns the block FLOPs of all steps.
  double block_flops(std::int64_t global_batch) const { return block_flops(global_batch, total_steps); }
};

/// Returns the method's trainings, parents first, chosen or not. The order: meta, each stage, the assembled network;
/// then the controls: the target end to end, the target grown from the meta model, the meta model's network alone; last
/// the high-resolution finetuning of Deep Incubation's and the end-to-end network. REQUIRES: validate(config) passed.
/// Throws InputError if the data do not fit the configuration.
std::vector<Training> list_trainings(const RunConfig& config, const DatasetInfo& data);

/// Returns the facts that list_trainings() needs, of images that fit `model`. No data file is needed.
DatasetInfo imagine_dataset(const ModelConfig& model, std::int64_t num_images);

/// Returns whether this job should run `training`.
bool is_wanted(const RunConfig& config, const Training& training);

/// Returns whether stage `index` is frozen in both trainings with the same depth and weights. A group that trains both
/// then holds the stage once.
bool have_same_frozen_stage(const Training& a, const Training& b, std::int64_t index);

/// Returns the training `name`. Throws InputError, listing all names, if there is none.
const Training& find_training(const std::vector<Training>& trainings, const std::string& name);

}  // namespace incubate
