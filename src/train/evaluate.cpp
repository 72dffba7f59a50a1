#include "train/evaluate.h"

#include <torch/torch.h>

#include "train/batch_tensors.h"

namespace incubate {

Evaluation evaluate(StagedModel& model, const ClassificationTask& task, const EvaluationLoader& loader,
                    ProcessGroup& group, const std::function<void()>& on_batch) {
  const torch::NoGradGuard no_grad;
  const Share share = share_of(loader.num_batches(), group.rank(), group.size());
  EvaluationSums sums;
  for (std::int64_t i = share.begin; i < share.end; ++i) {
    Batch batch = loader.load(i);
    const BatchTensors tensors = to_tensors(batch, model.spec().image_size, group.device());
    sums += task.evaluate(model.forward(tensors.images, {}), tensors.labels);
    if (on_batch) on_batch();
  }
  std::array<std::int64_t, 4> counts = sums.pack();
  group.communicator().all_reduce_sum(counts, "the counts of an evaluation");
  sums = EvaluationSums::unpack(counts);
  TORCH_INTERNAL_ASSERT(sums.num_images == loader.num_images());
  return mean_of(sums);
}

}  // namespace incubate
