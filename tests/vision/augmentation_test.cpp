#include "vision/augmentation.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace incubate {
namespace {

const std::vector<double> kMean = {0.5, 0.4, 0.3};

Image make_example(std::int64_t scale) {
  Image image(12 * scale, 10 * scale, 3);
  for (std::size_t i = 0; i < image.bytes.size(); ++i) image.bytes[i] = static_cast<std::uint8_t>((i * 37) % 251);
  return image;
}

ArraySource example_image(std::int64_t scale = 1) {
  static const Image small = make_example(1), large = make_example(5);
  return ArraySource(scale == 1 ? small : large);
}

Augmenter make(const Augmentation& augmentation, std::uint64_t seed = 1, Phase phase = Phase::meta) {
  return {augmentation, kMean, seed, phase};
}

Augmentation everything() {
  return {.flip = true,
          .resized_crop = ResizedCrop{.side = 8},
          .rand_augment = parse_rand_augment("x", "rand-m9-mstd0.5-inc1"),
          .random_erasing = 0.5};
}

TEST(Augmenter, ByDefaultNothingChanges) {
  EXPECT_EQ(make({}).augment(example_image(), {3, 4}), example_image().image());
}

TEST(Augmenter, IsAFunctionOfSeedPhaseEpochAndPosition) {
  std::set<std::string> seen;
  const Augmentation crop = {.resized_crop = ResizedCrop{.side = 8}};
  for (const std::uint64_t seed : {1, 2}) {
    for (const Phase phase : {Phase::meta, Phase::incubation}) {
      for (const std::int64_t epoch : {0, 1}) {
        for (const std::int64_t position : {0, 1}) {
          for (int again = 0; again < 2; ++again) {
            const Image image = make(crop, seed, phase).augment(example_image(5), {epoch, position});
            seen.emplace(image.bytes.begin(), image.bytes.end());
          }
        }
      }
    }
  }
  EXPECT_EQ(seen.size(), 16);
}

TEST(Augmenter, SettingsDoNotShiftEachOthersNumbers) {
  int num_unerased = 0;
  for (std::int64_t position = 0; position < 50; ++position) {
    const Sample sample = {.position = position};
    const auto image_by = [&](const Augmentation& augmentation) {
      return make(augmentation).augment(example_image(), sample);
    };
    Augmentation without_erasing = everything();
    without_erasing.random_erasing = 0;
    EXPECT_EQ(image_by(everything()), image_by(without_erasing));
    num_unerased += make(everything()).draw_erasing(sample, 8, 8).box ? 0 : 1;

    // The flip and the crop are the same with RandAugment off: where no step is applied, so is the image.
    Augmentation plain = without_erasing;
    plain.rand_augment->probability = 0;
    Augmentation off = without_erasing;
    off.rand_augment.reset();
    EXPECT_EQ(image_by(plain), image_by(off));
  }
  EXPECT_GT(num_unerased, 10);
  EXPECT_LT(num_unerased, 40);
}

TEST(Augmenter, ColorJitterIsOffWhileRandAugmentIsOn) {
  Augmentation both = everything();
  both.color_jitter = 0.4;
  EXPECT_EQ(make(both).augment(example_image(), {}), make(everything()).augment(example_image(), {}));
  both.rand_augment.reset();
  Augmentation neither = both;
  neither.color_jitter = 0;
  EXPECT_NE(make(both).augment(example_image(), {}), make(neither).augment(example_image(), {}));
}

TEST(Augmentation, FollowsTheSettingsOfItsPhase) {
  RunConfig config;
  config.model.image_size = 32;
  config.data.crop_padding = 4;
  config.data.flip = true;
  config.phase(Phase::incubation).crop = Crop::none;
  config.phase(Phase::finetuning).crop = Crop::resized;
  config.phase(Phase::finetuning).crop_scale = {0.5, 0.75};
  config.phase(Phase::finetuning).rand_augment = "rand-m5";
  config.phase(Phase::finetuning).random_erasing = 0.25;
  EXPECT_EQ(make_augmentation(config, Phase::meta).crop_padding, 4);
  EXPECT_TRUE(make_augmentation(config, Phase::meta).flip);
  EXPECT_EQ(make_augmentation(config, Phase::incubation).crop_padding, 0);
  const Augmentation finetuning = make_augmentation(config, Phase::finetuning);
  EXPECT_EQ(finetuning.resized_crop->side, 32);
  EXPECT_EQ(finetuning.resized_crop->scale, (std::array<double, 2>{0.5, 0.75}));
  EXPECT_EQ(finetuning.rand_augment->magnitude, 5);
  EXPECT_EQ(finetuning.random_erasing, 0.25);
  EXPECT_FALSE(make_evaluation_crop(config, Phase::meta));
  EXPECT_EQ(make_evaluation_crop(config, Phase::finetuning)->side, 32);
  EXPECT_EQ(make_evaluation_crop(config, Phase::finetuning)->fraction, 0.875);
}

}  // namespace
}  // namespace incubate
