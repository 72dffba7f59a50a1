#pragma once

#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "model/drop_path.h"
#include "support/small_dataset.h"
#include "support/temporary_directory.h"
#include "support/test_world.h"
#include "support/tiny_model.h"
#include "tasks/image_classification/image_classification.h"
#include "train/train_together.h"

namespace incubate {

inline bool same_bits(const torch::Tensor& a, const torch::Tensor& b) {
  return a.numel() == b.numel() && std::memcmp(a.data_ptr(), b.data_ptr(), a.nbytes()) == 0;
}

inline Loader small_validation_loader(const Dataset& images, std::int64_t size, int rank, int num_ranks) {
  return {std::make_unique<ImageSamples>(images, Split::validation,
                                         ImageSettings{.normalisation = {.mean = {0.5}, .std = {0.25}}}),
          std::make_unique<SequentialSampler>(choose_samples(images.num_images(), images.num_images()), size, rank,
                                              num_ranks)};
}

/// The data of a small training: two steps per epoch, six micro-batches per step.
struct SmallData {
  static constexpr std::int64_t kGlobal = 12, kMicro = 2, kImages = 24, kSteps = 5;
  inline static const Normalisation kNormalisation = {.mean = {0.5}, .std = {0.25}};

  TemporaryDirectory directory;
  std::filesystem::path path = pack_small_dataset(directory.path(), {.num_train = kImages, .num_validation = 11});
  ArrayDataset train{path, Split::train};
  ArrayDataset validation{path, Split::validation};

  Loader train_loader(const LoaderOptions& options = {}) const {
    const ImageSettings settings = {
        .normalisation = kNormalisation, .augmentation = {.crop_padding = 1, .flip = true}, .seed = 3};
    return {std::make_unique<ImageSamples>(train, Split::train, settings),
            std::make_unique<RandomSampler>(kImages, kGlobal, kMicro, 3, Phase::meta), options};
  }
  /// A rank's part of the validation images.
  Loader validation_loader(const ProcessGroup& group) const {
    return small_validation_loader(validation, 4, group.rank(), group.size());
  }
};

inline PhaseConfig small_recipe() {
  PhaseConfig recipe;
  recipe.micro = SmallData::kMicro;
  recipe.learning_rate = 0.2;  // at a global batch of 512
  recipe.warmup_epochs = 1;
  recipe.drop_path = 0.3;
  recipe.clip_norm = 1;
  return recipe;
}

/// Options of a training that never change a result.
struct Execution {
  bool shard_optimizer = false;
  bool reads_late = false;
  bool overlap_reduction = false;
  bool cuda_graph = false;
};

/// A model and its trainer on a group.
class SmallTraining {
 public:
  static constexpr double kPeakFlops = 1000;

  SmallTraining(ProcessGroup& group, const PhaseConfig& recipe, const std::vector<bool>& is_learning,
                const ModelSpec& spec = target_spec(tiny_model_config()), double block_flops_per_image = 10,
                const OptimizerConfig& optimizer = {}, OnNonfinite on_nonfinite = OnNonfinite::stop,
                const Execution& execution = {})
      : task_(recipe.label_smoothing), model_(make_initialised(spec)) {
    model_.to(group.device());
    model_.set_learning(is_learning);
    settings_ = {.name = "small",
                 .phase = Phase::meta,
                 .recipe = recipe,
                 .optimizer = optimizer,
                 .sums = Sums::exact,
                 .on_nonfinite = on_nonfinite,
                 .seed = 3,
                 .global_batch = SmallData::kGlobal,
                 .steps_per_epoch = SmallData::kImages / SmallData::kGlobal,
                 .total_steps = SmallData::kSteps,
                 .evaluate_every = SmallData::kImages / SmallData::kGlobal,
                 .block_flops_per_image = block_flops_per_image,
                 .peak_flops = kPeakFlops,
                 .shard_optimizer = execution.shard_optimizer,
                 .reads_late = execution.reads_late,
                 .overlap_reduction = execution.overlap_reduction,
                 .cuda_graph = execution.cuda_graph};
    trainer_.emplace(model_, task_, group, settings_);
    account_.emplace(*trainer_, group.size());
  }
  SmallTraining(const SmallTraining&) = delete;
  SmallTraining& operator=(const SmallTraining&) = delete;

  Trainer& trainer() { return *trainer_; }
  StagedModel& model() { return model_; }
  /// Returns all learning parameters.
  torch::Tensor values() { return trainer_->parameters().values(); }
  TrainingAccount& account() { return *account_; }
  const Metrics& metrics() { return account_->metrics(); }
  /// Continues like `other`, which has made `step` steps on any number of ranks. Collective over both groups in turn.
  void resume_from(SmallTraining& other, std::int64_t step, std::int64_t steps_skipped = 0) {
    std::vector<torch::Tensor> buffers;
    for (const NamedState& state : other.trainer().list_state()) buffers.push_back(state.gather().clone());
    restore(buffers, step, steps_skipped, other.metrics());
  }
  void restore(const std::vector<torch::Tensor>& buffers, std::int64_t step, std::int64_t steps_skipped,
               const Metrics& metrics) {
    const std::vector<NamedState> states = trainer_->list_state();
    for (std::size_t i = 0; i < states.size(); ++i) states[i].restore(buffers.at(i));
    trainer_->resume(step, steps_skipped);
    account_->resume(metrics, 100);
  }
  Participant participant(std::int64_t until_step = SmallData::kSteps) {
    return {.trainer = &*trainer_, .account = &*account_, .until_step = until_step};
  }

 private:
  ImageClassification task_;
  StagedModel model_;
  TrainerSettings settings_;
  std::optional<Trainer> trainer_;
  std::optional<TrainingAccount> account_;
};

}  // namespace incubate
