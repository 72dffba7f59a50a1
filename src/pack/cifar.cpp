#include "pack/cifar.h"

#include <sstream>

#include "base/check.h"
#include "base/input_file.h"

namespace incubate {
namespace {

constexpr std::int64_t kSide = 32, kChannels = 3, kPixels = kSide * kSide, kImageBytes = kPixels * kChannels;
constexpr std::int64_t kMostCifar10Classes = 10;

/// Returns the bytes of labels per record. If the file's size fits both kinds, the number of classes decides.
std::int64_t find_label_bytes(const std::string& path, std::int64_t size, std::int64_t num_classes) {
  const bool fits_10 = size % (1 + kImageBytes) == 0, fits_100 = size % (2 + kImageBytes) == 0;
  check_input(
      size > 0 && (fits_10 || fits_100),
      "{} has {} bytes, no whole number of records of {} (CIFAR-10) or {} (CIFAR-100). Give the files of the binary "
      "version, unpacked, or copy it again.",
      path, size, 1 + kImageBytes, 2 + kImageBytes);
  return fits_10 && (!fits_100 || num_classes <= kMostCifar10Classes) ? 1 : 2;
}

void append_image(const std::uint8_t* planes, std::vector<std::uint8_t>& bytes) {
  for (std::int64_t i = 0; i < kPixels; ++i) {
    for (std::int64_t channel = 0; channel < kChannels; ++channel) bytes.push_back(planes[(channel * kPixels) + i]);
  }
}

}  // namespace

LabelledImages read_cifar(const std::vector<std::string>& paths, std::int64_t num_classes) {
  LabelledImages all{.height = kSide, .width = kSide, .channels = kChannels, .bytes = {}, .labels = {}};
  for (const std::string& path : paths) {
    const std::string text = read_input_file(path);
    const auto size = static_cast<std::int64_t>(text.size());
    const std::int64_t label_bytes = find_label_bytes(path, size, num_classes);
    std::vector<std::int64_t> labels;
    for (std::int64_t begin = 0; begin < size; begin += label_bytes + kImageBytes) {
      const auto* record = reinterpret_cast<const std::uint8_t*>(text.data()) + begin;
      labels.push_back(record[label_bytes - 1]);
      append_image(record + label_bytes, all.bytes);
    }
    check_labels(labels, num_classes, path);
    all.labels.insert(all.labels.end(), labels.begin(), labels.end());
  }
  return all;
}

std::vector<std::string> read_class_names(const std::string& path) {
  std::istringstream lines(read_text_file(path));
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    line.erase(line.find_last_not_of(" \t") + 1);
    line.erase(0, line.find_first_not_of(" \t"));
    if (!line.empty()) names.push_back(line);
  }
  check_input(!names.empty(), "{} has no class names. Give a file with one a line.", path);
  return names;
}

}  // namespace incubate
