#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "data/loader.h"
#include "gpu/device_memory.h"
#include "tasks/image_classification/image_classification.h"

#ifdef INCUBATE_CUDA
#include <c10/cuda/CUDAFunctions.h>
#endif

namespace incubate {
namespace {

DeviceBatch to_tensors(Batch& batch, std::int64_t side, torch::Device device) {
  return ImageClassification(0).to_device(batch, side, device);
}

TEST(DeviceBatches, ValuesKeepTheirPlaces) {
  Batch batch{.size = 2, .images = {}, .labels = {3, 4}};
  for (int i = 0; i < 2 * 3 * 2 * 2; ++i) batch.images.push_back(static_cast<float>(i));
  const DeviceBatch tensors = to_tensors(batch, 2, torch::kCPU);
  EXPECT_FALSE(tensors.targets[kOtherLabels].defined());
  batch.other_labels = {4, 3};
  batch.label_weight = 0.25;
  const Targets blended = to_tensors(batch, 2, torch::kCPU).targets;
  EXPECT_TRUE(torch::equal(blended[kOtherLabels], torch::tensor({4, 3}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(blended[kLabelWeights], torch::tensor({0.25F, 0.75F})));
  EXPECT_TRUE(torch::equal(tensors.input, torch::arange(24, torch::kFloat32).view({2, 3, 2, 2})));
  EXPECT_TRUE(torch::equal(tensors.targets[kLabels], torch::tensor({3, 4}, torch::kInt64)));
}

// Copies from page-locked memory may still run when the batch is dropped: the next one must not lie in its place yet.
TEST(DeviceBatches, ABatchMayBeDroppedWhileItIsCopiedToTheGpu) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no GPU";
  constexpr std::int64_t kBatches = 50, kSide = 224;
  const torch::Device gpu = torch::kCUDA;
  std::vector<DeviceBatch> copies;
  for (std::int64_t i = 0; i < kBatches; ++i) {
    Batch batch{.size = 32,
                .images = std::pmr::vector<float>(32 * 3 * kSide * kSide, static_cast<float>(i), batch_memory(gpu)),
                .labels = std::pmr::vector<std::int64_t>(32, i, batch_memory(gpu))};
    EXPECT_TRUE(torch::from_blob(batch.images.data(), {1}).is_pinned());
    copies.push_back(to_tensors(batch, kSide, gpu));
  }
  for (std::int64_t i = 0; i < kBatches; ++i) {
    EXPECT_TRUE((copies[i].input == i).all().item<bool>()) << i;
    EXPECT_TRUE((copies[i].targets[kLabels] == i).all().item<bool>()) << i;
  }
}

/// Images of noise, 12 x 12 pixels.
class NoiseImages : public Dataset {
 public:
  static constexpr std::int64_t kImages = 40, kSide = 12;

  explicit NoiseImages(std::int64_t channels) : channels_(channels) {
    Generator generator(1, 2);
    for (std::int64_t i = 0; i < kImages; ++i) {
      for (auto& byte : images_.emplace_back(kSide, kSide, channels).bytes) byte = generator.bits() & 255;
    }
  }
  std::int64_t num_images() const override { return kImages; }
  std::int64_t channels() const override { return channels_; }
  std::int64_t height() const override { return kSide; }
  std::int64_t width() const override { return kSide; }
  std::int64_t label(std::int64_t index) const override { return index % 3; }
  std::unique_ptr<const ImageSource> open(std::int64_t index) const override {
    return std::make_unique<ArraySource>(images_[index]);
  }

 private:
  std::int64_t channels_;
  std::vector<Image> images_;
};

const Normalisation kGrey = {.mean = {0.2860}, .std = {0.3530}};
const Normalisation kColour = {.mean = {0.485, 0.456, 0.406}, .std = {0.229, 0.224, 0.225}};

Augmentation erasing(double probability) { return {.random_erasing = probability}; }

struct Change {
  const char* name;
  Augmentation augmentation;
  std::int64_t side = NoiseImages::kSide;
};

std::vector<Change> make_changes() {
  const RandAugmentPolicy policy = parse_rand_augment("x", "rand-m9-mstd0.5-inc1");
  return {{"none", {}},
          {"flip", {.flip = true}},
          {"padded_crop", {.crop_padding = 2, .flip = true}},
          {"resized_crop", {.resized_crop = ResizedCrop{.side = 20}}, 20},
          {"color_jitter", {.color_jitter = 0.4}},
          {"rand_augment", {.rand_augment = policy}},
          {"some_erased", erasing(0.5)},
          {"all_erased", erasing(1)},
          {"mixup", {.mixup = {.mixup_alpha = 0.8}}},
          {"cutmix", {.mixup = {.cutmix_alpha = 1}}},
          {"everything",
           {.flip = true,
            .resized_crop = ResizedCrop{.side = 20},
            .rand_augment = policy,
            .random_erasing = 0.5,
            .mixup = {.mixup_alpha = 0.8, .cutmix_alpha = 1}},
           20}};
}

/// Compares a device's results from raw images with those of loaders.
class Comparison {
 public:
  Comparison(const Change& change, std::int64_t channels, torch::Device device)
      : change_(change), images_(channels), normalisation_(channels == 1 ? kGrey : kColour), device_(device) {}

  void expect_equal_in_training() const {
    TrainLoader made = train_loader(FinishedBy::loader), raw = train_loader(FinishedBy::device);
    for (const std::int64_t step : {0, 1}) {
      for (const std::int64_t m : {0, 1, 2, 3}) {
        const BatchPlace place = {.epoch = 1, .step_in_epoch = step, .micro_batch = m};
        expect_equal(made.load(place), raw.load(place));
      }
    }
  }
  void expect_equal_in_evaluation() const {
    std::optional<EvaluationCrop> crop;
    if (change_.augmentation.resized_crop) crop = {.side = change_.side, .fraction = 0.875};
    EvaluationLoader made(images_, normalisation_, 16, crop, options(FinishedBy::loader));
    EvaluationLoader raw(images_, normalisation_, 16, crop, options(FinishedBy::device));
    for (std::int64_t i = 0; i < 3; ++i) expect_equal(made.load(i), raw.load(i));
  }
  TrainLoader train_loader(FinishedBy finished_by) const {
    return {images_, normalisation_, change_.augmentation, Sampler(40, 20, 5, 1, Phase::meta),
            1,       Phase::meta,    options(finished_by)};
  }

 private:
  LoaderOptions options(FinishedBy finished_by) const {
    return {.prefetch = {.workers = 1, .memory = batch_memory(device_)}, .finished_by = finished_by};
  }
  void expect_equal(Batch made, Batch raw) const {
    EXPECT_TRUE(raw.images.empty());
    EXPECT_EQ(raw.raw.bytes.size(), made.images.size());
    const DeviceBatch expected = to_tensors(made, change_.side, torch::kCPU);
    const DeviceBatch tensors = to_tensors(raw, change_.side, device_);
    const torch::Tensor images = tensors.input.cpu();
    EXPECT_EQ(tensors.input.sizes(), expected.input.sizes());
    EXPECT_EQ(tensors.input.strides(), expected.input.strides());
    const bool is_blended = change_.augmentation.mixup.mixup_alpha > 0;  // a sum, whose terms may cancel
    EXPECT_TRUE(is_blended ? torch::allclose(images, expected.input, 1e-6, 1e-6)
                           : torch::equal(images, expected.input));
    EXPECT_TRUE(torch::equal(tensors.targets[kLabels].cpu(), expected.targets[kLabels]));
    ASSERT_EQ(tensors.targets[kOtherLabels].defined(), expected.targets[kOtherLabels].defined());
    if (!expected.targets[kOtherLabels].defined()) return;
    EXPECT_TRUE(torch::equal(tensors.targets[kOtherLabels].cpu(), expected.targets[kOtherLabels]));
    EXPECT_TRUE(torch::equal(tensors.targets[kLabelWeights].cpu(), expected.targets[kLabelWeights]));
  }

  Change change_;
  NoiseImages images_;
  Normalisation normalisation_;
  torch::Device device_;
};

class RawImagesTest : public testing::TestWithParam<std::tuple<Change, std::int64_t>> {};

TEST_P(RawImagesTest, BecomeWhatLoadersMakeOfThem) {
  const Comparison comparison(std::get<0>(GetParam()), std::get<1>(GetParam()), torch::kCPU);
  comparison.expect_equal_in_training();
  comparison.expect_equal_in_evaluation();
}

INSTANTIATE_TEST_SUITE_P(Changes, RawImagesTest,
                         testing::Combine(testing::ValuesIn(make_changes()), testing::Values(1, 3)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) +
                                  (std::get<1>(info.param) == 1 ? "_grey" : "_colour");
                         });

TEST(RawImages, BecomeTheSameOnAGpu) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no GPU";
  for (const Change& change : make_changes()) {
    for (const std::int64_t channels : {1, 3}) {
      SCOPED_TRACE(std::string(change.name) + ", channels: " + std::to_string(channels));
      const Comparison comparison(change, channels, torch::kCUDA);
      comparison.expect_equal_in_training();
      comparison.expect_equal_in_evaluation();
    }
  }
}

#ifdef INCUBATE_CUDA
TEST(RawImages, AreFinishedWithoutWaitingForTheGpu) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no GPU";
  for (const Change& change : make_changes()) {
    const Comparison comparison(change, 3, torch::kCUDA);
    TrainLoader loader = comparison.train_loader(FinishedBy::device);
    std::vector<Batch> batches;
    for (const std::int64_t m : {0, 1, 2, 3}) batches.push_back(loader.load({.micro_batch = m}));
    to_tensors(batches[0], change.side, torch::kCUDA);  // the first launch of a kernel may wait
    c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_ERROR);
    for (Batch& batch : batches) EXPECT_NO_THROW(to_tensors(batch, change.side, torch::kCUDA)) << change.name;
    c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_DISABLED);
  }
}
#endif

TEST(RawImages, AnEmptyBoxBlendsNothing) {
  Batch batch{.size = 2, .images = {}, .labels = {3, 4}, .other_labels = {4, 3}};
  batch.raw.bytes = {0, 1, 2, 3, 4, 5, 6, 7};
  batch.raw.table.resize(256);
  std::iota(batch.raw.table.begin(), batch.raw.table.end(), 0.0F);
  batch.raw.mixing.is_box = true;
  EXPECT_TRUE(
      torch::equal(to_tensors(batch, 2, torch::kCPU).input, torch::arange(8, torch::kFloat32).view({2, 1, 2, 2})));
}

TEST(RawImages, AreAThirdOfTheNumbersThatTheyBecome) {
  const NoiseImages images(3);
  TrainLoader loader(images, kColour, {.resized_crop = ResizedCrop{.side = 224}, .random_erasing = 0.25},
                     Sampler(40, 40, 40, 1, Phase::meta), 1, Phase::meta, {.finished_by = FinishedBy::device});
  const RawImages raw = loader.load({}).raw;
  const std::size_t bytes =
      raw.bytes.size() + (4 * raw.table.size()) + (8 * raw.erased.size()) + (4 * raw.noise.size());
  EXPECT_GT(raw.erased.size(), 0);
  EXPECT_LT(bytes, 40 * 3 * 224 * 224 * std::size_t{4} / 3);
}

}  // namespace
}  // namespace incubate
