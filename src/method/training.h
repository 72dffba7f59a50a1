#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/run_config.h"
#include "model/head.h"
#include "model/spec.h"
#include "vision/dataset.h"

namespace incubate {

/// How a stage comes by its first weights.
enum class Start {
  random,
  zero_branches,  ///< random, but every block is the identity (see growth.h)
  copy,           ///< those of another training's stage
  grow,           ///< another training's stage, with blocks added that are the identity
  resample,       ///< another training's stage at another image size (see resolution.h)
};

/// One optimisation of one model: what is trained, from where its first weights come, how long, and what its result
/// depends on.
struct Training {
  std::string name;  ///< meta, stage_0, ..., finetuned, end_to_end, grown, shallow, high_resolution, ...
  Phase phase = Phase::meta;
  ModelSpec spec;
  HeadCost head = {};                       ///< of the task's head
  std::vector<bool> is_learning;            ///< of each stage
  std::vector<Start> starts = {};           ///< of each stage
  std::vector<std::string> weight_sources;  ///< of each stage: the training that it is copied or grown from; else empty
  std::int64_t total_steps = 0;
  double block_flops_per_image = 0;
  std::string identity_text = {};  ///< all settings and parents that the result depends on, one a line
  std::string identity = {};       ///< its hash
  bool is_chosen = false;  ///< whether method.trainings or run.only asks for it, or for what starts from it; no part of
                           ///< the identity

  /// The trainings named in weight_sources, each once.
  std::vector<std::string> parents() const;
  /// Spent in the first `steps` steps.
  double block_flops(std::int64_t global_batch, std::int64_t steps) const {
    return block_flops_per_image * static_cast<double>(global_batch) * static_cast<double>(steps);
  }
  /// Spent in all.
  double block_flops(std::int64_t global_batch) const { return block_flops(global_batch, total_steps); }
};

/// The method as a list of trainings, parents first: meta, then each stage inside it, then the assembled network; then
/// its controls: the target network end to end, the same grown from the meta model, and the meta model's network alone;
/// last the networks of Deep Incubation and of end to end finetuned at another image size.
/// All of them are listed, chosen or not. REQUIRES: validate(config) passed. Throws InputError if the data does not fit
/// the configuration.
std::vector<Training> list_trainings(const RunConfig& config, const DatasetInfo& data);

/// Whether this job is to run `training`.
bool is_wanted(const RunConfig& config, const Training& training);

/// Whether stage `index` is frozen in both trainings, of one depth and with the same weights: a group that carries on
/// both needs it once.
bool have_same_frozen_stage(const Training& a, const Training& b, std::int64_t index);

/// The training `name`. Throws InputError, naming all, if there is none.
const Training& find_training(const std::vector<Training>& trainings, const std::string& name);

}  // namespace incubate
