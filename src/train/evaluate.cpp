#include "train/evaluate.h"

#include <torch/torch.h>

#include "model/frozen_prefix.h"

namespace incubate {

std::vector<Figures> evaluate(std::span<StagedModel* const> models, const Task& task, Loader& loader,
                              ProcessGroup& group, const OnOutput& on_output) {
  const torch::NoGradGuard no_grad;
  for (StagedModel* model : models) model->eval();
  std::vector<MetricSums> sums(models.size(), task.no_samples());
  for (auto place = loader.sampler().first(); place; place = loader.sampler().next(*place)) {
    const std::unique_ptr<Batch> batch = loader.load(*place);
    const DeviceBatch tensors = task.to_device(*batch, group.device());
    FrozenPrefix prefix(tensors.input, {});
    for (std::size_t m = 0; m < models.size(); ++m) {
      const std::int64_t first = models[m]->first_learning();
      const torch::Tensor output = models[m]->forward_from(first, prefix.input_of(*models[m]), {});
      task.add_metrics(output, tensors.targets, sums[m]);
      if (on_output) on_output(output, tensors.targets);
    }
  }
  for (StagedModel* model : models) model->train();
  std::vector<Figures> evaluations;
  for (MetricSums& sum : sums) {
    group.communicator().all_reduce_sum(sum, "the sums of an evaluation");
    TORCH_INTERNAL_ASSERT(sum[0] == loader.num_samples());
    evaluations.push_back(task.metrics_of(sum));
  }
  return evaluations;
}

}  // namespace incubate
