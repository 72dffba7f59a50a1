#include "train/evaluate.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "support/small_dataset.h"
#include "support/temporary_directory.h"
#include "support/test_world.h"
#include "support/tiny_model.h"
#include "support/tiny_resnet.h"
#include "train/batch_tensors.h"

namespace incubate {
namespace {

constexpr std::int64_t kImages = 11;

/// Eleven images in batches of 4 (the last of 3), or of 16 (one batch: most ranks have none).
class Evaluate : public testing::TestWithParam<std::int64_t> {
 protected:
  TemporaryDirectory directory_;
  ArrayDataset validation_{pack_small_dataset(directory_.path(), {.num_validation = kImages}), Split::validation};
  EvaluationLoader loader_{validation_, {.mean = {0.5}, .std = {0.25}}, GetParam()};
  StagedModel model_ = make_initialised(target_spec(tiny_model_config()));
  ClassificationTask task_{0.1};
};

TEST_P(Evaluate, CountsEveryImageOnceOnAnyNumberOfRanks) {
  const torch::NoGradGuard no_grad;
  EvaluationSums serial;
  for (std::int64_t i = 0; i < loader_.num_batches(); ++i) {
    Batch batch = loader_.load(i);
    const BatchTensors tensors = to_tensors(batch, 8, torch::kCPU);
    serial += task_.evaluate(model_.forward(tensors.images, {}), tensors.targets);
  }
  ASSERT_EQ(serial.num_images, kImages);
  for (int size = 1; size <= test_world().size(); ++size) {
    ProcessGroup group(test_world().split(test_world().rank() / size), torch::kCPU);
    const std::array models = {&model_};
    const Evaluation evaluation = evaluate(models, task_, loader_, group).front();
    EXPECT_EQ(evaluation.top1, static_cast<double>(serial.top1_hits) / kImages);
    EXPECT_EQ(evaluation.top5, 1);  // three classes
    EXPECT_EQ(evaluation.loss, from_exact_units(serial.loss_units) / kImages);
  }
}

// Batch norm goes by running statistics, so the size of a batch does not show, and the model trains on as before.
TEST_P(Evaluate, IsInEvaluationModeAndLeavesIt) {
  StagedModel resnet = make_initialised(target_spec(tiny_resnet_config()));
  ProcessGroup group(test_world().split(0), torch::kCPU);
  const std::array models = {&resnet};
  const Evaluation evaluation = evaluate(models, task_, loader_, group).front();
  for (std::int64_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(resnet.stage(i).is_training());
    for (const StatisticInfo& s : resnet.stage(i).list_statistics()) EXPECT_FALSE(s.batch.any().item<bool>()) << s.name;
  }
  EvaluationLoader one_by_one(validation_, {.mean = {0.5}, .std = {0.25}}, 1);
  EXPECT_NEAR(evaluate(models, task_, one_by_one, group).front().loss, evaluation.loss, 1e-5 * evaluation.loss);
}

INSTANTIATE_TEST_SUITE_P(BatchSizes, Evaluate, testing::Values(4, 16, 1));

}  // namespace
}  // namespace incubate
