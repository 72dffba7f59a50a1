#include "data/loader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/stopwatch.h"

namespace incubate {
namespace {

/// Height and width of an image of `dataset` that is resized to `side`, or keeps its size where that is 0.
std::array<std::int64_t, 2> size_of(const Dataset& dataset, std::int64_t side) {
  return side > 0 ? std::array{side, side} : std::array{dataset.height(), dataset.width()};
}

void tell(DamagedImages& damaged, const std::function<void(const std::string& message)>& warn) {
  for (const std::string& message : damaged.take_messages()) {
    if (warn) warn(message);
  }
}

}  // namespace

TrainLoader::TrainLoader(const Dataset& dataset, const Normalisation& normalisation, const Augmentation& augmentation,
                         Sampler sampler, std::uint64_t seed, Phase phase, const LoaderOptions& options,
                         const Share& share)
    : dataset_(dataset),
      augmenter_(augmentation, normalisation, seed, phase),
      mixup_(augmentation.mixup),
      sampler_(std::move(sampler)),
      seed_(seed),
      phase_(phase),
      share_(share.size() > 0 ? share : Share{0, sampler_.micro_batches_per_step()}),
      size_(size_of(dataset, augmentation.resized_crop ? augmentation.resized_crop->side : 0)),
      damaged_(options.on_error, dataset.num_images()),
      warn_(options.warn),
      prefetcher_(
          options.prefetch, [this](const BatchPlace& place) { return plan(place); },
          [this](const BatchPlace& place) { return next(place); }) {}

Batch TrainLoader::load(const BatchPlace& place) {
  const Stopwatch watch;
  Batch batch = prefetcher_.load(place);
  waited_s_ += watch.elapsed_s();
  tell(damaged_, warn_);
  return batch;
}

BatchPlan TrainLoader::plan(const BatchPlace& place) {
  std::vector<std::int64_t> positions = sampler_.positions(place);
  std::vector<std::int64_t> images;
  for (const std::int64_t position : positions) images.push_back(sampler_.image_index(place.epoch, position));
  const std::int64_t values = dataset_.channels() * size_[0] * size_[1];
  BatchPlan plan{.size = static_cast<std::int64_t>(positions.size()), .image_values = values, .make_image = {}};
  plan.make_image = [this, epoch = place.epoch, positions = std::move(positions), images = std::move(images), values](
                        Batch& batch, std::int64_t k) {
    damaged_.use(images[k], [&](std::int64_t image) {
      augmenter_.write_planes(*dataset_.open(image), epoch, positions[k],
                              std::span(batch.images).subspan(k * values, values));
      batch.labels[k] = dataset_.label(image);
    });
  };
  if (mixup_.is_on()) plan.finish = [this, place](Batch& batch) { mix(place, batch); };
  return plan;
}

BatchPlace TrainLoader::next(const BatchPlace& place) const {
  BatchPlace next = place;
  if (++next.micro_batch < share_.end) return next;
  next.micro_batch = share_.begin;
  if (++next.step_in_epoch < sampler_.steps_per_epoch()) return next;
  next.step_in_epoch = 0;
  ++next.epoch;
  return next;
}

void TrainLoader::mix(const BatchPlace& place, Batch& batch) const {
  Generator generator =
      make_generator(seed_, Purpose::mixup,
                     {static_cast<std::uint64_t>(phase_), static_cast<std::uint64_t>(place.epoch),
                      static_cast<std::uint64_t>(place.step_in_epoch), static_cast<std::uint64_t>(place.micro_batch)});
  const Mixing mixing = draw_mixing(generator, mixup_, size_[0], size_[1]);
  mix_images(mixing, batch.size, size_[0], size_[1], batch.images);
  batch.other_labels.assign(batch.labels.rbegin(), batch.labels.rend());
  batch.label_weight = mixing.weight;
}

EvaluationLoader::EvaluationLoader(const Dataset& dataset, const Normalisation& normalisation, std::int64_t size,
                                   const std::optional<EvaluationCrop>& crop, const LoaderOptions& options)
    : dataset_(dataset),
      table_(normalisation),
      size_(size),
      crop_(crop),
      damaged_(options.on_error, dataset.num_images()),
      warn_(options.warn),
      end_(num_batches()),
      prefetcher_(
          options.prefetch, [this](const BatchPlace& place) { return plan(place.micro_batch); },
          [this](const BatchPlace& place) {
            const BatchPlace next = {.micro_batch = place.micro_batch + 1};
            return next.micro_batch < end_ ? std::optional(next) : std::nullopt;
          }) {}

Batch EvaluationLoader::load(std::int64_t batch_index, std::optional<std::int64_t> end) {
  end_ = end.value_or(num_batches());
  Batch batch = prefetcher_.load({.micro_batch = batch_index});
  tell(damaged_, warn_);
  return batch;
}

BatchPlan EvaluationLoader::plan(std::int64_t batch_index) {
  const std::int64_t begin = batch_index * size_;
  const auto [height, width] = size_of(dataset_, crop_ ? crop_->side : 0);
  const std::int64_t values = dataset_.channels() * height * width;
  return {.size = std::min(size_, dataset_.num_images() - begin),
          .image_values = values,
          .make_image = [this, begin, values](Batch& batch, std::int64_t k) {
            damaged_.use(begin + k, [&](std::int64_t image) {
              const auto source = dataset_.open(image);
              table_.write_planes(crop_ ? crop_for_evaluation(*source, *crop_) : source->image(),
                                  std::span(batch.images).subspan(k * values, values));
              batch.labels[k] = dataset_.label(image);
            });
          }};
}

}  // namespace incubate
