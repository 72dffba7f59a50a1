#include "train/evaluate.h"

#include <torch/torch.h>

#include "base/share.h"
#include "model/frozen_prefix.h"

namespace incubate {

std::vector<Figures> evaluate(std::span<StagedModel* const> models, const Task& task, EvaluationLoader& loader,
                              ProcessGroup& group, const std::function<void()>& on_batch) {
  const torch::NoGradGuard no_grad;
  for (StagedModel* model : models) model->eval();
  const Share share = share_of(loader.num_batches(), group.rank(), group.size());
  std::vector<MetricSums> sums(models.size(), task.no_samples());
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    Batch batch = loader.load(i, share.end);
    const DeviceBatch tensors = task.to_device(batch, models[0]->spec().image_size, group.device());
    FrozenPrefix prefix(tensors.input, {});
    for (std::size_t m = 0; m < models.size(); ++m) {
      const std::int64_t first = models[m]->first_learning();
      task.add_metrics(models[m]->forward_from(first, prefix.input_of(*models[m]), {}), tensors.targets, sums[m]);
      if (on_batch) on_batch();
    }
  }
  for (StagedModel* model : models) model->train();
  std::vector<Figures> evaluations;
  for (MetricSums& sum : sums) {
    group.communicator().all_reduce_sum(sum, "the sums of an evaluation");
    TORCH_INTERNAL_ASSERT(sum[0] == loader.num_images());
    evaluations.push_back(task.metrics_of(sum));
  }
  return evaluations;
}

}  // namespace incubate
