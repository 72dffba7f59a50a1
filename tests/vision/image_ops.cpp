// Runs one image operation by itself, for tests in Python:
//
//   image_ops OPERATION HEIGHT WIDTH CHANNELS [PARAMETER ...]   raw image on stdin -> raw image on stdout
//   image_ops decode [PARAMETER ...]                            JPEG or PNG file on stdin -> size, raw image on stdout
//   image_ops encode HEIGHT WIDTH CHANNELS QUALITY              raw image on stdin -> JPEG file on stdout
//   image_ops draw WHAT COUNT [PARAMETER ...]                   COUNT lines of what is drawn at random

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>

#include <fmt/core.h>

#include "vision/colours.h"
#include "vision/crops.h"
#include "vision/jpeg.h"
#include "vision/png.h"
#include "vision/rand_augment.h"
#include "vision/random_erasing.h"
#include "vision/resize.h"

namespace incubate {
namespace {

using Parameters = std::vector<std::string>;

double number(const Parameters& parameters, std::size_t index) { return std::stod(parameters.at(index)); }
std::int64_t count(const Parameters& parameters, std::size_t index) { return std::stoll(parameters.at(index)); }

Box box_of(const Parameters& p) { return {count(p, 0), count(p, 1), count(p, 2), count(p, 3)}; }

/// Runs a step. Parameters: number of the operation, magnitude, 1 if negative, 1 if increasing, fill.
Image run_step(const Image& image, const Parameters& p) {
  const AugmentStep step = {
      .operation = static_cast<Operation>(count(p, 0)), .magnitude = number(p, 1), .is_negative = count(p, 2) == 1};
  Fill fill;
  for (std::int64_t c = 0; c < image.channels; ++c) fill.push_back(static_cast<std::uint8_t>(count(p, 4 + c)));
  return apply_step(image, step, count(p, 3) == 1 ? Severity::increasing : Severity::of_the_operation, fill);
}

/// Runs a jitter. Parameters: factors of brightness, contrast, saturation; their order.
Image run_jitter(const Image& image, const Parameters& p) {
  ColorJitter change;
  for (std::size_t i = 0; i < 3; ++i) {
    change.factors[i] = number(p, i);
    change.order[i] = static_cast<std::uint32_t>(count(p, 3 + i));
  }
  return jitter(image, change);
}

Image run_operation(const std::string& name, const Image& image, const Parameters& p) {
  if (name == "resize") return resize_bicubic(image, box_of(p), count(p, 4), count(p, 5));
  if (name == "resized_crop") return resized_crop(ArraySource(image), box_of(p), count(p, 4), false);
  if (name == "evaluation_crop") return crop_for_evaluation(ArraySource(image), {count(p, 0), number(p, 1)});
  if (name == "mirror") return mirror(image);
  if (name == "jitter") return run_jitter(image, p);
  if (name == "step") return run_step(image, p);
  throw std::invalid_argument("unknown operation " + name);
}

std::string describe(const Box& box) { return fmt::format("{} {} {} {}\n", box.top, box.left, box.height, box.width); }

std::string draw(const std::string& what, Generator& generator, const Parameters& p) {
  if (what == "resized_crop") {
    return describe(draw_resized_crop(generator, count(p, 0), count(p, 1), {number(p, 2), number(p, 3)}));
  }
  if (what == "erased_box") {
    return describe(draw_erased_box(generator, number(p, 2), count(p, 0), count(p, 1)).value_or(Box{}));
  }
  std::string text;
  if (what == "rand_augment") {
    for (const AugmentStep& step : draw_rand_augment(generator, parse_rand_augment("policy", p.at(0)))) {
      text += fmt::format("{} {} {} {} ", static_cast<int>(step.operation), step.is_applied ? 1 : 0, step.magnitude,
                          step.is_negative ? 1 : 0);
    }
  } else if (what == "color_jitter") {
    const ColorJitter change = draw_color_jitter(generator, number(p, 0));
    for (const double factor : change.factors) text += fmt::format("{} ", factor);
    for (const std::uint32_t index : change.order) text += fmt::format("{} ", index);
  } else {
    throw std::invalid_argument("unknown draw " + what);
  }
  return text + "\n";
}

/// Decodes an image. Parameters: none, or a box and the least height and width.
Image decode(std::span<const std::uint8_t> bytes, const Parameters& p) {
  if (is_png(bytes)) return p.empty() ? decode_png(bytes) : decode_png_part(bytes, box_of(p));
  return p.empty() ? decode_jpeg(bytes) : decode_jpeg_part(bytes, box_of(p), count(p, 4), count(p, 5));
}

void run(const Parameters& words) {
  if (words.at(0) == "draw") {
    for (std::int64_t i = 0; i < count(words, 2); ++i) {
      Generator generator = make_generator(1, Purpose::augmentation, {static_cast<std::uint64_t>(i)});
      fmt::print("{}", draw(words[1], generator, {words.begin() + 3, words.end()}));
    }
    return;
  }
  const std::string bytes(std::istreambuf_iterator<char>(std::cin), {});
  const std::span input(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (words[0] == "decode") {
    const Image out = decode(input, {words.begin() + 1, words.end()});
    fmt::print("{} {}\n", out.height, out.width);
    std::fwrite(out.bytes.data(), 1, out.bytes.size(), stdout);
    return;
  }
  const Image image(count(words, 1), count(words, 2), count(words, 3), input);
  if (bytes.size() != static_cast<std::size_t>(image.num_pixels() * image.channels)) {
    throw std::invalid_argument("stdin does not hold an image of this size");
  }
  if (words[0] == "encode") {
    const std::vector<std::uint8_t> file = encode_jpeg(image, static_cast<int>(count(words, 4)));
    std::fwrite(file.data(), 1, file.size(), stdout);
    return;
  }
  const Image out = run_operation(words[0], image, {words.begin() + 4, words.end()});
  std::fwrite(out.bytes.data(), 1, out.bytes.size(), stdout);
}

}  // namespace
}  // namespace incubate

int main(int argc, char* argv[]) {
  try {
    incubate::run({argv + 1, argv + argc});
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    fmt::print(stderr, "image_ops: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
