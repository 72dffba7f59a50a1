#include "vision/labelled_images.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/check.h"
#include "base/random.h"

namespace incubate {

void check_labels(std::span<const std::int64_t> labels, std::int64_t num_classes, const std::string& origin) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    check_input(labels[i] >= 0 && labels[i] < num_classes,
                "{}: label {} of image {} is not below the number of classes, {}. Give a name for every class.", origin,
                labels[i], i, num_classes);
  }
}

std::vector<std::int64_t> choose_subset(std::span<const std::int64_t> labels, double share) {
  std::map<std::int64_t, std::vector<std::int64_t>> images_of_class;
  for (std::size_t i = 0; i < labels.size(); ++i) images_of_class[labels[i]].push_back(static_cast<std::int64_t>(i));
  std::vector<std::int64_t> kept;
  for (const auto& [label, images] : images_of_class) {
    const auto count = std::max(1LL, std::llround(share * static_cast<double>(images.size())));
    const std::vector<std::uint32_t> order =
        make_permutation(static_cast<std::uint32_t>(images.size()),
                         make_generator(0, Purpose::subset, {static_cast<std::uint64_t>(label)}));
    for (std::int64_t i = 0; i < count; ++i) kept.push_back(images[order[i]]);
  }
  std::ranges::sort(kept);
  return kept;
}

LabelledImages take_subset(const LabelledImages& all, double share) {
  LabelledImages part{.height = all.height, .width = all.width, .channels = all.channels, .bytes = {}, .labels = {}};
  for (const std::int64_t image : choose_subset(all.labels, share)) {
    const auto begin = all.bytes.begin() + (image * all.image_bytes());
    part.bytes.insert(part.bytes.end(), begin, begin + all.image_bytes());
    part.labels.push_back(all.labels[image]);
  }
  return part;
}

}  // namespace incubate
