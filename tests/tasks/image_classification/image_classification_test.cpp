#include "tasks/image_classification/image_classification.h"

#include <cmath>
#include <utility>

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace incubate {
namespace {

// Probabilities whose logarithms are the logits, so that softmax returns them.
const std::vector<double> kProbabilities0 = {0.5, 0.25, 0.25};
const std::vector<double> kProbabilities1 = {0.125, 0.75, 0.125};

torch::Tensor logits() { return torch::tensor({{0.5, 0.25, 0.25}, {0.125, 0.75, 0.125}}).log().to(torch::kFloat32); }
torch::Tensor labels() { return torch::tensor({2, 1}, torch::kInt64); }

/// Returns the cross entropy with (1 - s) on the label and s spread evenly over all classes.
double smoothed_loss(const std::vector<double>& probabilities, int label, double s) {
  double mean = 0;
  for (const double p : probabilities) mean -= std::log(p) / static_cast<double>(probabilities.size());
  return ((1 - s) * -std::log(probabilities[label])) + (s * mean);
}

TEST(ImageClassification, LossIsTheMeanSmoothedCrossEntropy) {
  for (const double s : {0.0, 0.1, 0.5}) {
    const double expected = (smoothed_loss(kProbabilities0, 2, s) + smoothed_loss(kProbabilities1, 1, s)) / 2;
    EXPECT_NEAR(ImageClassification(s).loss(logits(), {labels(), {}, {}}).value.item<double>(), expected, 1e-6) << s;
  }
}

TEST(ImageClassification, BlendedImagesHaveBothLabelsByTheirWeights) {
  // The expected value spells the soft target out: w on one label, 1 - w on the other, smoothed.
  const double s = 0.1, w = 0.3;
  const Targets targets{labels(), torch::tensor({0, 2}, torch::kInt64), torch::tensor({w, 1 - w}, torch::kFloat32)};
  const torch::Tensor hard = torch::tensor({{1 - w, 0.0, w}, {0.0, w, 1 - w}}, torch::kFloat32);
  const torch::Tensor soft = (hard * (1 - s)) + (s / 3);
  const torch::Tensor expected = -(soft * logits().log_softmax(1)).sum(1).mean();
  EXPECT_NEAR(ImageClassification(s).loss(logits(), targets).value.item<double>(), expected.item<double>(), 1e-6);
}

/// Returns the figures of all these batches together.
Figures evaluate(const std::vector<std::pair<torch::Tensor, torch::Tensor>>& batches) {
  const ImageClassification task(0.5);
  MetricSums sums = task.no_samples();
  for (const auto& [output, labels] : batches) task.add_metrics(output, {labels, {}, {}}, sums);
  return task.metrics_of(sums);
}

TEST(ImageClassification, EveryMetricHasAFigureAndTheFirstIsTop1) {
  const Figures figures = evaluate({{logits(), labels()}});
  const std::vector<MetricInfo> metrics = ImageClassification(0).list_metrics();
  EXPECT_EQ(metrics.size(), figures.size());
  for (const MetricInfo& metric : metrics) EXPECT_TRUE(figures.contains(metric.name)) << metric.name;
  EXPECT_EQ(metrics[0].name, "top1");
  EXPECT_EQ(format_figures(metrics, figures), "top-1 50.00%, top-5 100.00%, validation loss 0.8370");
}

TEST(ImageClassification, EvaluationLossIsAMeanWithoutSmoothing) {
  EXPECT_NEAR(evaluate({{logits(), labels()}}).at("loss"), (-std::log(0.25) - std::log(0.75)) / 2, 1e-6);
}

TEST(ImageClassification, HitsAreCountedAmongTheFirstAndTheFirstFive) {
  // Class c of 8 has the logit -c: the order of all images is 0, 1, ..., 7.
  const torch::Tensor ordered = -torch::arange(8, torch::kFloat32).repeat({8, 1});
  const Figures figures = evaluate({{ordered, torch::arange(8, torch::kInt64)}});
  EXPECT_EQ(figures.at("top1"), 1.0 / 8);
  EXPECT_EQ(figures.at("top5"), 5.0 / 8);
}

TEST(ImageClassification, WithFewClassesAllAreAmongTheFirstFive) {
  const Figures figures = evaluate({{logits(), labels()}});
  EXPECT_EQ(figures.at("top1"), 0.5);
  EXPECT_EQ(figures.at("top5"), 1);
}

TEST(ImageClassification, ALossThatIsTooLargeForOneIntegerIsNotWrapped) {
  const double size = 1e8;  // of 2 images: more than 2^63 units of 2^-40
  const torch::Tensor wrong = torch::tensor({{size, 0.0}, {size, 0.0}}, torch::kFloat32);
  const torch::Tensor ones = torch::ones({2}, torch::kInt64);
  const Figures figures = evaluate({{wrong, ones}, {wrong, ones}});
  EXPECT_EQ(figures.at("loss"), size);
  EXPECT_EQ(figures.at("top1"), 0);
}

TEST(ImageClassification, OutputsThatAreNotFiniteLeaveNoFigure) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    torch::Tensor output = logits();
    output[1][0] = bad;
    for (const auto& [name, figure] : evaluate({{logits(), labels()}, {output, labels()}})) {
      EXPECT_EQ(figure, std::numeric_limits<double>::infinity()) << name;
    }
  }
}

TEST(ImageClassification, BatchesAddUpExactly) {
  const auto part = [](const torch::Tensor& values, std::int64_t i) { return values.narrow(0, i, 1); };
  const Figures forward = evaluate({{part(logits(), 0), part(labels(), 0)}, {part(logits(), 1), part(labels(), 1)}});
  const Figures backward = evaluate({{part(logits(), 1), part(labels(), 1)}, {part(logits(), 0), part(labels(), 0)}});
  EXPECT_EQ(forward, backward);
  EXPECT_EQ(forward.at("top1"), 0.5);
}

}  // namespace
}  // namespace incubate
