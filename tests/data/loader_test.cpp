#include "data/loader.h"

#include <gtest/gtest.h>

#include "support/small_dataset.h"
#include "support/temporary_directory.h"
#include "vision/padded_crop.h"

namespace incubate {
namespace {

const Normalisation kGreyNormalisation = {.mean = {0.5}, .std = {0.25}};

class Loader : public testing::Test {
 protected:
  Loader()
      : path_(pack_small_dataset(directory_.path(), {.num_train = 24, .num_validation = 11, .side = 4, .classes = 3})) {
  }

  TrainLoader train_loader(const Augmentation& augmentation, std::uint64_t seed = 1) const {
    return {train_, kGreyNormalisation, augmentation, Sampler(24, 12, 4, seed, Phase::incubation),
            seed,   Phase::incubation};
  }
  /// Returns the pixels of `image`, normalised and cut.
  std::vector<float> planes(const ArrayDataset& dataset, std::int64_t image, const CropAndFlip& cut) const {
    std::vector<float> planes(16);
    NormalisationTable(kGreyNormalisation).write_planes(cut_padded({4, 4, 1, dataset.image(image)}, cut), planes);
    return planes;
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_;
  ArrayDataset train_{path_, Split::train};
  ArrayDataset validation_{path_, Split::validation};
};

std::vector<float> image_of(const Batch& batch, std::int64_t k) {
  return {batch.images.begin() + (k * 16), batch.images.begin() + ((k + 1) * 16)};
}

TEST_F(Loader, MicroBatchHoldsTheSampledImagesAugmentedByPosition) {
  TrainLoader loader = train_loader({.crop_padding = 1, .flip = true});
  Sampler sampler(24, 12, 4, 1, Phase::incubation);
  const BatchPlace place = {.epoch = 2, .step_in_epoch = 1, .micro_batch = 2};
  const Batch batch = loader.load(place);
  ASSERT_EQ(batch.size, 4);
  for (std::int64_t k = 0; k < 4; ++k) {
    const std::int64_t position = 12 + 2 + (3 * k);
    const std::int64_t image = sampler.image_index(2, position);
    Generator generator = make_generator(1, Purpose::augmentation, {1, 2, static_cast<std::uint64_t>(position)});
    EXPECT_EQ(batch.labels[k], image % 3);
    EXPECT_EQ(image_of(batch, k), planes(train_, image, draw_crop_and_flip(generator, 1, true)));
  }
}

TEST_F(Loader, ImagesOfAMicroBatchAreBlendedByItsPlace) {
  TrainLoader plain = train_loader({.crop_padding = 1, .flip = true});
  TrainLoader mixing =
      train_loader({.crop_padding = 1, .flip = true, .mixup = {.mixup_alpha = 0.8, .cutmix_alpha = 1}});
  for (const std::int64_t m : {0, 1, 2}) {
    const BatchPlace place = {.epoch = 2, .step_in_epoch = 1, .micro_batch = m};
    Batch expected = plain.load(place);
    Generator generator = make_generator(1, Purpose::mixup, {1, 2, 1, static_cast<std::uint64_t>(m)});
    const Mixing drawn = draw_mixing(generator, {.mixup_alpha = 0.8, .cutmix_alpha = 1}, 4, 4);
    mix_images(drawn, 4, 4, 4, expected.images);
    const Batch batch = mixing.load(place);
    EXPECT_EQ(batch.images, expected.images);
    EXPECT_EQ(batch.labels, expected.labels);
    EXPECT_EQ(batch.other_labels, (std::pmr::vector<std::int64_t>{expected.labels[3], expected.labels[2],
                                                                  expected.labels[1], expected.labels[0]}));
    EXPECT_EQ(batch.label_weight, drawn.weight);
  }
}

TEST_F(Loader, BatchDoesNotDependOnWhatWasLoadedBefore) {
  TrainLoader forward = train_loader({.crop_padding = 2, .flip = true});
  TrainLoader backward = train_loader({.crop_padding = 2, .flip = true});
  std::vector<BatchPlace> places;
  for (const std::int64_t epoch : {0, 1}) {
    for (const std::int64_t step : {0, 1}) {
      for (const std::int64_t m : {0, 1, 2}) places.push_back({epoch, step, m});
    }
  }
  std::vector<Batch> batches;
  for (const BatchPlace& place : places) batches.push_back(forward.load(place));
  for (std::size_t i = places.size(); i-- > 0;) {
    const Batch batch = backward.load(places[i]);
    EXPECT_EQ(batch.images, batches[i].images);
    EXPECT_EQ(batch.labels, batches[i].labels);
  }
}

TEST_F(Loader, WorkersChangeNothing) {
  const Augmentation augmentation = {
      .crop_padding = 2, .flip = true, .random_erasing = 0.5, .mixup = {.mixup_alpha = 0.8, .cutmix_alpha = 1}};
  TrainLoader alone = train_loader(augmentation);
  EvaluationLoader alone_validation(validation_, kGreyNormalisation, 4);
  for (const std::int64_t workers : {1, 3}) {
    // This rank has two of three micro-batches, over the end of an epoch.
    TrainLoader loader(train_, kGreyNormalisation, augmentation, Sampler(24, 12, 4, 1, Phase::incubation), 1,
                       Phase::incubation, {.prefetch = {.workers = workers, .depth = 3}}, {1, 3});
    for (const BatchPlace& place : std::initializer_list<BatchPlace>{
             {0, 0, 1}, {0, 0, 2}, {0, 1, 1}, {0, 1, 2}, {1, 0, 1}, {1, 0, 2}, {5, 0, 0}, {0, 0, 1}}) {
      const Batch batch = loader.load(place), expected = alone.load(place);
      EXPECT_EQ(batch.images, expected.images);
      EXPECT_EQ(batch.labels, expected.labels);
      EXPECT_EQ(batch.other_labels, expected.other_labels);
      EXPECT_EQ(batch.label_weight, expected.label_weight);
    }
    EXPECT_GT(loader.waited_s(), 0);
    EvaluationLoader validation(validation_, kGreyNormalisation, 4, std::nullopt, {.prefetch = {.workers = workers}});
    for (const std::int64_t i : {0, 1, 2, 0, 2}) {
      EXPECT_EQ(validation.load(i, 3).images, alone_validation.load(i).images);
    }
  }
}

TEST_F(Loader, WorkersChangeNothingOfRawImages) {
  const auto load = [&](std::int64_t workers, std::int64_t m) {
    TrainLoader loader(train_, kGreyNormalisation,
                       {.crop_padding = 2, .flip = true, .random_erasing = 0.5, .mixup = {.cutmix_alpha = 1}},
                       Sampler(24, 12, 4, 1, Phase::incubation), 1, Phase::incubation,
                       {.prefetch = {.workers = workers}, .finished_by = FinishedBy::device});
    return loader.load({.micro_batch = m});
  };
  std::int64_t num_erased = 0;
  for (const std::int64_t m : {0, 1, 2}) {
    const Batch expected = load(0, m), batch = load(3, m);
    EXPECT_TRUE(batch.images.empty());
    EXPECT_EQ(batch.raw.bytes.size(), 4 * 16);
    EXPECT_EQ(batch.raw.bytes, expected.raw.bytes);
    EXPECT_EQ(batch.raw.table, expected.raw.table);
    EXPECT_EQ(batch.raw.erased, expected.raw.erased);
    EXPECT_EQ(batch.raw.noise, expected.raw.noise);
    EXPECT_EQ(batch.raw.mixing.box, expected.raw.mixing.box);
    EXPECT_EQ(batch.labels, expected.labels);
    num_erased += std::ssize(batch.raw.erased);
  }
  EXPECT_GT(num_erased, 0);
}

TEST_F(Loader, EvaluationShowsEveryImageOnceAsItIs) {
  EvaluationLoader loader(validation_, kGreyNormalisation, 4);
  EXPECT_EQ(loader.num_images(), 11);
  ASSERT_EQ(loader.num_batches(), 3);
  std::int64_t image = 0;
  for (std::int64_t i = 0; i < 3; ++i) {
    const Batch batch = loader.load(i);
    EXPECT_EQ(batch.size, i < 2 ? 4 : 3);
    EXPECT_EQ(batch.labels.size(), batch.size);
    EXPECT_EQ(batch.images.size(), 16 * batch.size);
    for (std::int64_t k = 0; k < batch.size; ++k, ++image) {
      EXPECT_EQ(batch.labels[k], image % 3);
      EXPECT_EQ(image_of(batch, k), planes(validation_, image, {}));
    }
  }
  EXPECT_EQ(image, 11);
}

TEST_F(Loader, ResizedImagesHaveTheStatedSide) {
  TrainLoader train = train_loader({.resized_crop = ResizedCrop{.side = 6}});
  EvaluationLoader validation(validation_, kGreyNormalisation, 4, EvaluationCrop{.side = 6, .fraction = 0.75});
  EXPECT_EQ(train.load({}).images.size(), 4 * 36);
  const Batch batch = validation.load(2);
  ASSERT_EQ(batch.images.size(), 3 * 36);
  std::vector<float> expected(36);
  const Image resized = crop_for_evaluation(ArraySource(4, 4, 1, validation_.image(8)), {.side = 6, .fraction = 0.75});
  NormalisationTable(kGreyNormalisation).write_planes(resized, expected);
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), batch.images.begin()));
}

TEST_F(Loader, RepeatedImagesStandInDifferentMicroBatchesAndAreChangedAnew) {
  const Augmentation augmentation = {.crop_padding = 2, .flip = true, .random_erasing = 1};
  TrainLoader loader(train_, kGreyNormalisation, augmentation, Sampler(24, 12, 4, 1, Phase::meta, 3), 1, Phase::meta);
  std::vector<Batch> batches;
  for (const std::int64_t m : {0, 1, 2}) batches.push_back(loader.load({.micro_batch = m}));
  Sampler sampler(24, 12, 4, 1, Phase::meta, 3);
  for (std::int64_t k = 0; k < 4; ++k) {
    EXPECT_EQ(sampler.image_index(0, 3 * k), sampler.image_index(0, (3 * k) + 2));
    EXPECT_EQ(batches[0].labels[k], batches[1].labels[k]);
    EXPECT_EQ(batches[0].labels[k], batches[2].labels[k]);
    EXPECT_NE(image_of(batches[0], k), image_of(batches[1], k));
    EXPECT_NE(image_of(batches[1], k), image_of(batches[2], k));
  }
}

}  // namespace
}  // namespace incubate
