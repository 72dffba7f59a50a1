#include "vision/labelled_images.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "base/check.h"
#include "base/random.h"

namespace incubate {
namespace {

/// Returns the indices, ascending, of `count_of(label, n)` random ones of the n images of each class.
std::vector<std::int64_t> choose_of_each_class(
    std::span<const std::int64_t> labels, const std::function<Generator(std::int64_t label)>& generator_of,
    const std::function<std::int64_t(std::int64_t label, std::int64_t size)>& count_of) {
  std::map<std::int64_t, std::vector<std::int64_t>> images_of_class;
  for (std::size_t i = 0; i < labels.size(); ++i) images_of_class[labels[i]].push_back(static_cast<std::int64_t>(i));
  std::vector<std::int64_t> chosen;
  for (const auto& [label, images] : images_of_class) {
    const std::vector<std::uint32_t> order =
        make_permutation(static_cast<std::uint32_t>(images.size()), generator_of(label));
    const std::int64_t count = count_of(label, std::ssize(images));
    for (std::int64_t i = 0; i < count; ++i) chosen.push_back(images[order[i]]);
  }
  std::ranges::sort(chosen);
  return chosen;
}

std::int64_t count_of_share(double share, std::int64_t size) {
  return std::max(1LL, std::llround(share * static_cast<double>(size)));
}

}  // namespace

void check_labels(std::span<const std::int64_t> labels, std::int64_t num_classes, const std::string& origin) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    check_input(labels[i] >= 0 && labels[i] < num_classes,
                "{}: label {} of image {} is not below the number of classes, {}. Give a name for every class.", origin,
                labels[i], i, num_classes);
  }
}

std::vector<std::int64_t> choose_subset(std::span<const std::int64_t> labels, double share) {
  return choose_of_each_class(
      labels,
      [](std::int64_t label) { return make_generator(0, Purpose::subset, {static_cast<std::uint64_t>(label)}); },
      [share](std::int64_t /*label*/, std::int64_t size) { return count_of_share(share, size); });
}

SplitIndices choose_validation(std::span<const std::int64_t> labels, double share, std::int64_t seed,
                               const std::vector<std::string>& names) {
  SplitIndices split;
  split.validation = choose_of_each_class(
      labels,
      [seed](std::int64_t label) {
        return make_generator(seed, Purpose::subset, {static_cast<std::uint64_t>(label), 1});
      },
      [&](std::int64_t label, std::int64_t size) {
        check_input(
            size > 1,
            "the class '{}' has 1 image, which --validation-share={} cannot divide (each split needs one). Give "
            "it more, or take it away.",
            names[label], share);
        return std::min(size - 1, count_of_share(share, size));
      });
  std::vector<std::int64_t> all(labels.size());
  std::iota(all.begin(), all.end(), 0);
  std::ranges::set_difference(all, split.validation, std::back_inserter(split.kept));
  return split;
}

LabelledImages take_images(const LabelledImages& all, std::span<const std::int64_t> indices) {
  LabelledImages part{.height = all.height,
                      .width = all.width,
                      .channels = all.channels,
                      .value_bytes = all.value_bytes,
                      .bytes = {},
                      .labels = {}};
  for (const std::int64_t image : indices) {
    const auto begin = all.bytes.begin() + (image * all.image_bytes());
    part.bytes.insert(part.bytes.end(), begin, begin + all.image_bytes());
    part.labels.push_back(all.labels[image]);
  }
  return part;
}

LabelledImages take_subset(const LabelledImages& all, double share) {
  return take_images(all, choose_subset(all.labels, share));
}

}  // namespace incubate
