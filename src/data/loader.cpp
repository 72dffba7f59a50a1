#include "data/loader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/stopwatch.h"

namespace incubate {
namespace {

/// Returns height and width of `dataset`'s images after resizing to `side`; 0 keeps their size.
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
      finished_by_(options.finished_by),
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
  if (finished_by_ == FinishedBy::device) {
    leave_to_device(plan, place.epoch, positions, images);
  } else {
    plan.make_image = [this, epoch = place.epoch, positions = std::move(positions), images = std::move(images), values](
                          Batch& batch, std::int64_t k) {
      damaged_.use(images[k], [&](std::int64_t image) {
        augmenter_.write_planes(*dataset_.open(image), epoch, positions[k],
                                std::span(batch.images).subspan(k * values, values));
        batch.labels[k] = dataset_.label(image);
      });
    };
  }
  if (mixup_.is_on()) plan.finish = [this, place](Batch& batch) { mix(place, batch); };
  return plan;
}

/// Draws the erased parts here, because their sizes tell how much memory to allocate; workers draw the noise.
void TrainLoader::leave_to_device(BatchPlan& plan, std::int64_t epoch, const std::vector<std::int64_t>& positions,
                                  const std::vector<std::int64_t>& images) {
  std::vector<Erasing> erasings;
  std::vector<std::int64_t> first = {0};  // each image's first entry among the batch's erased pixels, and the end
  for (const std::int64_t position : positions) {
    const Erasing& erasing = erasings.emplace_back(augmenter_.draw_erasing(epoch, position, size_[0], size_[1]));
    first.push_back(first.back() + (erasing.box ? erasing.box->height * erasing.box->width : 0));
  }
  plan.prepare = [this, num_bytes = plan.size * plan.image_values, num_erased = first.back()](Batch& batch) {
    batch.raw.prepare(num_bytes, augmenter_.table(), num_erased);
  };
  plan.image_values = 0;
  plan.make_image = [this, epoch, positions, images, erasings, first](Batch& batch, std::int64_t k) {
    damaged_.use(images[k], [&](std::int64_t image) {
      batch.raw.write_image(k, augmenter_.augment(*dataset_.open(image), epoch, positions[k]));
      batch.labels[k] = dataset_.label(image);
    });
    const Erasing& erasing = erasings[k];
    if (erasing.box) batch.raw.write_erased(k, size_[0], size_[1], *erasing.box, erasing.generator, first[k]);
  };
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
  if (finished_by_ == FinishedBy::device) {
    batch.raw.mixing = mixing;
  } else {
    mix_images(mixing, batch.size, size_[0], size_[1], batch.images);
  }
  batch.other_labels.assign(batch.labels.rbegin(), batch.labels.rend());
  batch.label_weight = mixing.weight;
}

EvaluationLoader::EvaluationLoader(const Dataset& dataset, const Normalisation& normalisation, std::int64_t size,
                                   const std::optional<EvaluationCrop>& crop, const LoaderOptions& options)
    : dataset_(dataset),
      table_(normalisation),
      size_(size),
      crop_(crop),
      finished_by_(options.finished_by),
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
  const bool is_raw = finished_by_ == FinishedBy::device;
  BatchPlan plan{.size = std::min(size_, dataset_.num_images() - begin),
                 .image_values = is_raw ? 0 : values,
                 .make_image = [this, begin, values, is_raw](Batch& batch, std::int64_t k) {
                   damaged_.use(begin + k, [&](std::int64_t image) {
                     const auto source = dataset_.open(image);
                     const Image shown = crop_ ? crop_for_evaluation(*source, *crop_) : source->image();
                     if (is_raw) {
                       batch.raw.write_image(k, shown);
                     } else {
                       table_.write_planes(shown, std::span(batch.images).subspan(k * values, values));
                     }
                     batch.labels[k] = dataset_.label(image);
                   });
                 }};
  if (is_raw) {
    plan.prepare = [this, num_bytes = plan.size * values](Batch& batch) { batch.raw.prepare(num_bytes, table_, 0); };
  }
  return plan;
}

}  // namespace incubate
