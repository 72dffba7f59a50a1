#include "tasks/finish_images.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
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

// Grey images of height 1 whose table gives a byte its own number.
std::unique_ptr<ImageBatch> make_batch(const std::vector<std::uint8_t>& bytes, std::int64_t size,
                                       std::int64_t channels = 1,
                                       std::pmr::memory_resource* memory = std::pmr::get_default_resource()) {
  auto batch = std::make_unique<ImageBatch>(size, memory);
  batch->height = 1;
  batch->width = std::ssize(bytes) / (size * channels);
  batch->channels = channels;
  batch->bytes.assign(bytes.begin(), bytes.end());
  for (std::int64_t i = 0; i < 256 * channels; ++i) {
    batch->table.push_back(static_cast<float>((i % 256) + (1000 * (i / 256))));
  }
  for (std::int64_t k = 0; k < size; ++k) batch->labels.push_back(3 + k);
  return batch;
}

std::vector<float> finished(ImageBatch& batch) {
  const torch::Tensor images = finish_images(batch, torch::kCPU);
  return {images.data_ptr<float>(), images.data_ptr<float>() + images.numel()};
}

TEST(FinishImages, EveryChannelIsAPlaneWithItsOwnTable) {
  const auto batch = make_batch({1, 2, 3, 4, 5, 6, 7, 8}, 2, 2);
  EXPECT_EQ(finished(*batch), (std::vector<float>{1, 3, 1002, 1004, 5, 7, 1006, 1008}));
  EXPECT_EQ(finish_images(*batch, torch::kCPU).sizes(), (std::vector<std::int64_t>{2, 2, 1, 2}));
}

TEST(FinishImages, ValuesOf16BitsHaveTheirTable) {
  const auto batch = make_batch({}, 1, 2);
  batch->value_bytes = 2;
  batch->width = 2;
  batch->bytes.resize(8);
  std::ranges::copy(std::vector<std::uint16_t>{1, 40000, 65535, 0}, as_16_bits(batch->bytes).begin());
  batch->table.clear();
  for (int i = 0; i < 2 * 65536; ++i) batch->table.push_back(static_cast<float>(i));
  EXPECT_EQ(finished(*batch), (std::vector<float>{1, 65535, 65536 + 40000, 65536}));
}

TEST(FinishImages, ErasedPixelsAreTheirNoise) {
  const auto batch = make_batch({1, 2, 3, 4, 5, 6, 7, 8}, 2, 2);
  batch->erased = {1, 2};
  batch->noise = {-1, -2, -3, -4};
  EXPECT_EQ(finished(*batch), (std::vector<float>{1, -1, 1002, -2, -3, 7, -4, 1008}));
}

// What the program has computed since its first version, operation by operation.
TEST(FinishImages, AnImageIsBlendedWithItsMirrorInTheBatch) {
  const auto batch = make_batch({1, 2, 10, 20, 100, 200}, 3);  // the middle image is its own partner
  batch->mixing = Mixing{.is_box = false, .weight = 0.3};
  const float w = 0.3F, other = 1 - w;
  const auto mix = [&](float own, float others) {
    const float a = w * own, b = other * others;
    return a + b;
  };
  EXPECT_EQ(finished(*batch), (std::vector<float>{mix(1, 100), mix(2, 200), 10, 20, mix(100, 1), mix(200, 2)}));
  const auto alone = make_batch({1, 2}, 1);
  alone->mixing = batch->mixing;
  EXPECT_EQ(finished(*alone), (std::vector<float>{1, 2}));
}

TEST(FinishImages, ABoxIsExchangedInEveryChannel) {
  const auto batch = make_batch({1, 2, 3, 4, 11, 12, 13, 14}, 2, 2);
  batch->mixing = Mixing{.is_box = true, .box = {.top = 0, .left = 1, .height = 1, .width = 1}, .weight = 0.5};
  EXPECT_EQ(finished(*batch), (std::vector<float>{1, 13, 1002, 1014, 11, 3, 1012, 1004}));
  batch->mixing->box = {};
  EXPECT_EQ(finished(*batch), (std::vector<float>{1, 3, 1002, 1004, 11, 13, 1012, 1014}));
}

TEST(ClassificationBatches, LabelsOfBlendedImagesAreThoseOfTheMirror) {
  const auto batch = make_batch({1, 2}, 2);
  const ImageClassification task(0);
  EXPECT_TRUE(torch::equal(task.to_device(*batch, torch::kCPU).targets[kLabels], torch::tensor({3, 4}, torch::kInt64)));
  EXPECT_FALSE(task.to_device(*batch, torch::kCPU).targets[kOtherLabels].defined());
  batch->mixing = Mixing{.weight = 0.25};
  const Targets blended = task.to_device(*batch, torch::kCPU).targets;
  EXPECT_TRUE(torch::equal(blended[kOtherLabels], torch::tensor({4, 3}, torch::kInt64)));
  EXPECT_TRUE(torch::equal(blended[kLabelWeights], torch::tensor({0.25F, 0.75F})));
}

// Copies from page-locked memory may still run when the batch is dropped: the next one must not lie in its place yet.
TEST(ClassificationBatches, ABatchMayBeDroppedWhileItIsCopiedToTheGpu) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no GPU";
  constexpr std::int64_t kBatches = 50, kValues = 3 * 224 * 224;
  const torch::Device gpu = torch::kCUDA;
  std::vector<DeviceBatch> copies;
  for (std::int64_t i = 0; i < kBatches; ++i) {
    const auto batch =
        make_batch(std::vector<std::uint8_t>(32 * kValues, static_cast<std::uint8_t>(i)), 32, 1, batch_memory(gpu));
    EXPECT_TRUE(torch::from_blob(batch->bytes.data(), {1}, torch::kUInt8).is_pinned());
    copies.push_back(ImageClassification(0).to_device(*batch, gpu));
  }
  for (std::int64_t i = 0; i < kBatches; ++i) EXPECT_TRUE((copies[i].input == i).all().item<bool>()) << i;
}

/// Images of noise, 12 x 12.
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

std::vector<Augmentation> make_changes() {
  return {{},
          {.random_erasing = 1},
          {.mixup = {.mixup_alpha = 0.8}},
          {.mixup = {.cutmix_alpha = 1}},
          {.flip = true,
           .resized_crop = ResizedCrop{.side = 20},
           .random_erasing = 0.5,
           .mixup = {.mixup_alpha = 0.8, .cutmix_alpha = 1}}};
}

std::vector<std::unique_ptr<Batch>> load(const NoiseImages& images, const Augmentation& change, torch::Device device) {
  const std::vector<double> mean = {0.485, 0.456, 0.406}, std = {0.229, 0.224, 0.225};
  const ImageSettings settings = {.normalisation = {{mean.begin(), mean.begin() + images.channels()},
                                                    {std.begin(), std.begin() + images.channels()}},
                                  .augmentation = change,
                                  .seed = 1};
  Loader loader(std::make_unique<ImageSamples>(images, Split::train, settings),
                std::make_unique<RandomSampler>(40, 20, 5, 1, Phase::meta),
                {.workers = 1, .memory = batch_memory(device)});
  std::vector<std::unique_ptr<Batch>> batches;
  for (const std::int64_t step : {0, 1}) {
    for (const std::int64_t m : {0, 1, 2, 3}) batches.push_back(loader.load({.step_in_epoch = step, .micro_batch = m}));
  }
  return batches;
}

TEST(FinishImages, BatchesAreAThirdOfTheNumbersThatTheyBecome) {
  const NoiseImages images(3);
  std::size_t bytes = 0, num_erased = 0;
  for (const auto& batch :
       load(images, {.resized_crop = ResizedCrop{.side = 224}, .random_erasing = 0.25}, torch::kCPU)) {
    const auto& raw = static_cast<const ImageBatch&>(*batch);
    bytes += raw.bytes.size() + (4 * raw.table.size()) + (8 * raw.erased.size()) + (4 * raw.noise.size());
    num_erased += raw.erased.size();
  }
  EXPECT_GT(num_erased, 0);
  EXPECT_LT(bytes, 40 * 3 * 224 * 224 * std::size_t{4} / 3);
}

TEST(FinishImages, AGpuGivesTheSameBitsWithoutBeingWaitedFor) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no GPU";
#ifdef INCUBATE_CUDA
  for (const std::int64_t channels : {1, 3}) {
    const NoiseImages images(channels);
    for (const Augmentation& change : make_changes()) {
      const auto batches = load(images, change, torch::kCUDA);
      const ImageClassification task(0);
      task.to_device(*batches[0], torch::kCUDA);  // the first launch of a kernel may wait
      std::vector<DeviceBatch> on_gpu;
      c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_ERROR);
      for (const auto& batch : batches) EXPECT_NO_THROW(on_gpu.push_back(task.to_device(*batch, torch::kCUDA)));
      c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_DISABLED);
      for (std::size_t i = 0; i < on_gpu.size(); ++i) {
        const DeviceBatch expected = task.to_device(*batches[i], torch::kCPU);
        EXPECT_TRUE(torch::equal(on_gpu[i].input.cpu(), expected.input));
        for (std::size_t t = 0; t < expected.targets.size(); ++t) {
          ASSERT_EQ(on_gpu[i].targets[t].defined(), expected.targets[t].defined());
          if (expected.targets[t].defined()) {
            EXPECT_TRUE(torch::equal(on_gpu[i].targets[t].cpu(), expected.targets[t]));
          }
        }
      }
    }
  }
#endif
}

}  // namespace
}  // namespace incubate
