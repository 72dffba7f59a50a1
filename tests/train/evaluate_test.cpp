#include "train/evaluate.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "support/small_dataset.h"
#include "support/temporary_directory.h"
#include "support/test_world.h"
#include "support/tiny_model.h"
#include "support/tiny_resnet.h"
#include "tasks/image_classification/image_classification.h"

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
  ImageClassification task_{0.1};
};

TEST_P(Evaluate, CountsEveryImageOnceOnAnyNumberOfRanks) {
  const torch::NoGradGuard no_grad;
  MetricSums serial = task_.no_samples();
  for (std::int64_t i = 0; i < loader_.num_batches(); ++i) {
    Batch batch = loader_.load(i);
    const DeviceBatch tensors = task_.to_device(batch, 8, torch::kCPU);
    task_.add_metrics(model_.forward(tensors.input, {}), tensors.targets, serial);
  }
  ASSERT_EQ(serial[0], kImages);
  for (int size = 1; size <= test_world().size(); ++size) {
    ProcessGroup group(test_world().split(test_world().rank() / size), torch::kCPU);
    const std::array models = {&model_};
    const Figures evaluation = evaluate(models, task_, loader_, group).front();
    EXPECT_EQ(evaluation, task_.metrics_of(serial));
    EXPECT_EQ(evaluation.at("top5"), 1);  // three classes
  }
}

// Batch norm uses running statistics, so the batch size does not matter, and the model can train on.
TEST_P(Evaluate, IsInEvaluationModeAndLeavesIt) {
  StagedModel resnet = make_initialised(target_spec(tiny_resnet_config()));
  ProcessGroup group(test_world().split(0), torch::kCPU);
  const std::array models = {&resnet};
  const Figures evaluation = evaluate(models, task_, loader_, group).front();
  for (std::int64_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(resnet.stage(i).is_training());
    for (const StatisticInfo& s : resnet.stage(i).list_statistics()) EXPECT_FALSE(s.batch.any().item<bool>()) << s.name;
  }
  EvaluationLoader one_by_one(validation_, {.mean = {0.5}, .std = {0.25}}, 1);
  EXPECT_NEAR(evaluate(models, task_, one_by_one, group).front().at("loss"), evaluation.at("loss"),
              1e-5 * evaluation.at("loss"));
}

INSTANTIATE_TEST_SUITE_P(BatchSizes, Evaluate, testing::Values(4, 16, 1));

}  // namespace
}  // namespace incubate
