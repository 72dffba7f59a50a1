#include "train/evaluate.h"

#include <torch/torch.h>

#include "base/share.h"
#include "model/frozen_prefix.h"
#include "train/batch_tensors.h"

namespace incubate {

std::vector<Evaluation> evaluate(std::span<StagedModel* const> models, const ClassificationTask& task,
                                 EvaluationLoader& loader, ProcessGroup& group, const std::function<void()>& on_batch) {
  const torch::NoGradGuard no_grad;
  for (StagedModel* model : models) model->eval();
  const Share share = share_of(loader.num_batches(), group.rank(), group.size());
  std::vector<EvaluationSums> sums(models.size());
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    Batch batch = loader.load(i, share.end);
    const BatchTensors tensors = to_tensors(batch, models[0]->spec().image_size, group.device());
    FrozenPrefix prefix(tensors.images, {});
    for (std::size_t m = 0; m < models.size(); ++m) {
      const std::int64_t first = models[m]->first_learning();
      sums[m] += task.evaluate(models[m]->forward_from(first, prefix.input_of(*models[m]), {}), tensors.targets);
      if (on_batch) on_batch();
    }
  }
  for (StagedModel* model : models) model->train();
  std::vector<Evaluation> evaluations;
  for (EvaluationSums& sum : sums) {
    std::array<std::int64_t, 4> counts = sum.pack();
    group.communicator().all_reduce_sum(counts, "the counts of an evaluation");
    sum = EvaluationSums::unpack(counts);
    TORCH_INTERNAL_ASSERT(sum.num_images == loader.num_images());
    evaluations.push_back(mean_of(sum));
  }
  return evaluations;
}

}  // namespace incubate
