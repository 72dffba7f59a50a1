#include "vision/image_samples.h"

#include <gtest/gtest.h>

#include "support/small_dataset.h"
#include "support/temporary_directory.h"
#include "vision/crops.h"
#include "vision/random_erasing.h"

namespace incubate {
namespace {

class ImageSamplesTest : public testing::Test {
 protected:
  ImageSamplesTest()
      : path_(pack_small_dataset(directory_.path(), {.num_train = 24, .num_validation = 11, .side = 4, .classes = 3})) {
  }

  /// The finished batch of training images at `place`.
  std::unique_ptr<ImageBatch> train_batch(const Augmentation& augmentation, const BatchPlace& place,
                                          std::int64_t copies = 1) const {
    RandomSampler sampler(24, 12, 4, 1, Phase::incubation, copies);
    return make(ImageSamples(train_, Split::train, settings(augmentation)), sampler, place);
  }
  std::unique_ptr<ImageBatch> validation_batch(const std::optional<EvaluationCrop>& crop, std::int64_t i) const {
    SequentialSampler sampler(choose_samples(11, 11), 4);
    ImageSettings how = settings({.flip = true, .random_erasing = 1, .mixup = {.mixup_alpha = 1}});
    how.crop = crop;
    return make(ImageSamples(validation_, Split::validation, how), sampler, {.micro_batch = i});
  }
  static ImageSettings settings(const Augmentation& augmentation) {
    return {.normalisation = {.mean = {0.5}, .std = {0.25}},
            .augmentation = augmentation,
            .seed = 1,
            .phase = Phase::incubation};
  }
  static std::unique_ptr<ImageBatch> make(const ImageSamples& maker, Sampler& sampler, const BatchPlace& place) {
    const std::vector<Sample> samples = sampler.samples(place);
    std::unique_ptr<Batch> batch = maker.begin(place, samples, std::pmr::get_default_resource());
    for (std::int64_t k = batch->size; k-- > 0;) maker.make(*batch, k, samples[k]);  // in any order
    return std::unique_ptr<ImageBatch>(static_cast<ImageBatch*>(batch.release()));
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_;
  ArrayDataset train_{path_, Split::train};
  ArrayDataset validation_{path_, Split::validation};
};

std::vector<std::uint8_t> image_of(const ImageBatch& batch, std::int64_t k) {
  const std::int64_t bytes = batch.height * batch.width;
  return {batch.bytes.begin() + (k * bytes), batch.bytes.begin() + ((k + 1) * bytes)};
}

TEST_F(ImageSamplesTest, AMicroBatchHasTheSampledImagesAugmentedByPosition) {
  const auto batch = train_batch({.crop_padding = 1, .flip = true}, {2, 1, 2});
  RandomSampler sampler(24, 12, 4, 1, Phase::incubation);
  ASSERT_EQ(batch->size, 4);
  EXPECT_FALSE(batch->mixing);
  for (std::int64_t k = 0; k < 4; ++k) {
    const std::int64_t position = 12 + 2 + (3 * k);
    const std::int64_t image = sampler.index_at(2, position);
    Generator generator = make_generator(1, Purpose::augmentation, {1, 2, static_cast<std::uint64_t>(position)});
    EXPECT_EQ(batch->labels[k], image % 3);
    EXPECT_EQ(image_of(*batch, k),
              cut_padded({4, 4, 1, train_.image(image)}, draw_crop_and_flip(generator, 1, true)).bytes);
  }
}

TEST_F(ImageSamplesTest, BlendingIsDrawnByThePlace) {
  const MixupOptions options = {.mixup_alpha = 0.8, .cutmix_alpha = 1};
  for (const std::int64_t m : {0, 1, 2}) {
    const auto batch = train_batch({.mixup = options}, {2, 1, m});
    Generator generator = make_generator(1, Purpose::mixup, {1, 2, 1, static_cast<std::uint64_t>(m)});
    const Mixing drawn = draw_mixing(generator, options, 4, 4);
    ASSERT_TRUE(batch->mixing);
    EXPECT_EQ(batch->mixing->weight, drawn.weight);
    EXPECT_EQ(batch->mixing->box, drawn.box);
    EXPECT_EQ(batch->bytes, train_batch({}, {2, 1, m})->bytes);
  }
}

TEST_F(ImageSamplesTest, ErasedPixelsHaveTheNoiseOfTheirImage) {
  std::int64_t num_erased = 0;
  for (const std::int64_t m : {0, 1, 2}) {
    const auto batch = train_batch({.random_erasing = 0.5}, {0, 0, m});
    RandomSampler sampler(24, 12, 4, 1, Phase::incubation);
    std::vector<std::int64_t> pixels;
    std::pmr::vector<float> noise;
    const std::vector<Sample> samples = sampler.samples({0, 0, m});
    for (std::int64_t k = 0; k < 4; ++k) {
      Generator generator =
          make_generator(1, Purpose::augmentation, {1, 0, static_cast<std::uint64_t>(samples[k].position), 4});
      const std::optional<Box> box = draw_erased_box(generator, 0.5, 4, 4);
      if (!box) continue;
      for (std::int64_t i = 0; i < box->height * box->width; ++i) {
        pixels.push_back((16 * k) + (4 * (box->top + (i / box->width))) + box->left + (i % box->width));
        noise.push_back(static_cast<float>(generator.normal()));
      }
    }
    EXPECT_TRUE(std::ranges::equal(batch->erased, pixels));
    EXPECT_EQ(batch->noise, noise);
    num_erased += std::ssize(pixels);
  }
  EXPECT_GT(num_erased, 0);
}

TEST_F(ImageSamplesTest, EvaluationShowsImagesAsTheyAre) {
  for (std::int64_t i = 0; i < 3; ++i) {
    const auto batch = validation_batch(std::nullopt, i);
    EXPECT_EQ(batch->size, i < 2 ? 4 : 3);
    EXPECT_TRUE(batch->erased.empty());
    EXPECT_FALSE(batch->mixing);
    for (std::int64_t k = 0; k < batch->size; ++k) {
      EXPECT_EQ(batch->labels[k], ((4 * i) + k) % 3);
      EXPECT_TRUE(std::ranges::equal(image_of(*batch, k), validation_.image((4 * i) + k)));
    }
  }
}

TEST_F(ImageSamplesTest, ResizedImagesHaveTheStatedSide) {
  EXPECT_EQ(train_batch({.resized_crop = ResizedCrop{.side = 6}}, {})->bytes.size(), 4 * 36);
  const EvaluationCrop crop = {.side = 6, .fraction = 0.75};
  const auto batch = validation_batch(crop, 2);
  ASSERT_EQ(batch->bytes.size(), 3 * 36);
  EXPECT_EQ(image_of(*batch, 0), crop_for_evaluation(ArraySource(4, 4, 1, 1, validation_.image(8)), crop).bytes);
}

TEST_F(ImageSamplesTest, RepeatedImagesStandInDifferentMicroBatchesAndAreChangedAnew) {
  const Augmentation augmentation = {.crop_padding = 2, .flip = true};
  std::vector<std::unique_ptr<ImageBatch>> batches;
  for (const std::int64_t m : {0, 1, 2}) batches.push_back(train_batch(augmentation, {.micro_batch = m}, 3));
  std::int64_t num_equal = 0;
  for (std::int64_t k = 0; k < 4; ++k) {
    EXPECT_EQ(batches[0]->labels[k], batches[1]->labels[k]);
    EXPECT_EQ(batches[0]->labels[k], batches[2]->labels[k]);
    num_equal += image_of(*batches[0], k) == image_of(*batches[1], k) ? 1 : 0;
  }
  EXPECT_LT(num_equal, 4);
}

}  // namespace
}  // namespace incubate
