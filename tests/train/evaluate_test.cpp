#include "train/evaluate.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "support/small_training.h"
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
  Loader loader(const ProcessGroup& group) const {
    return small_validation_loader(validation_, GetParam(), group.rank(), group.size());
  }
  StagedModel model_ = make_initialised(target_spec(tiny_model_config()));
  ImageClassification task_{0.1};
};

TEST_P(Evaluate, CountsEveryImageOnceOnAnyNumberOfRanks) {
  const torch::NoGradGuard no_grad;
  MetricSums serial = task_.no_samples();
  Loader all = small_validation_loader(validation_, GetParam(), 0, 1);
  for (auto place = all.sampler().first(); place; place = all.sampler().next(*place)) {
    const std::unique_ptr<Batch> batch = all.load(*place);
    const DeviceBatch tensors = task_.to_device(*batch, torch::kCPU);
    task_.add_metrics(model_.forward(tensors.input, {}), tensors.targets, serial);
  }
  ASSERT_EQ(serial[0], kImages);
  for (int size = 1; size <= test_world().size(); ++size) {
    ProcessGroup group(test_world().split(test_world().rank() / size), torch::kCPU);
    const std::array models = {&model_};
    Loader part = loader(group);
    const Figures evaluation = evaluate(models, task_, part, group).front();
    EXPECT_EQ(evaluation, task_.metrics_of(serial));
    EXPECT_EQ(evaluation.at("top5"), 1);  // three classes
  }
}

// Batch norm uses running statistics, so the batch size does not matter, and the model can train on.
TEST_P(Evaluate, IsInEvaluationModeAndLeavesIt) {
  StagedModel resnet = make_initialised(target_spec(tiny_resnet_config()));
  ProcessGroup group(test_world().split(0), torch::kCPU);
  const std::array models = {&resnet};
  Loader part = loader(group);
  const Figures evaluation = evaluate(models, task_, part, group).front();
  for (std::int64_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(resnet.stage(i).is_training());
    for (const StatisticInfo& s : resnet.stage(i).list_statistics()) EXPECT_FALSE(s.batch.any().item<bool>()) << s.name;
  }
  Loader one_by_one = small_validation_loader(validation_, 1, group.rank(), group.size());
  EXPECT_NEAR(evaluate(models, task_, one_by_one, group).front().at("loss"), evaluation.at("loss"),
              1e-5 * evaluation.at("loss"));
}

INSTANTIATE_TEST_SUITE_P(BatchSizes, Evaluate, testing::Values(4, 16, 1));

}  // namespace
}  // namespace incubate
