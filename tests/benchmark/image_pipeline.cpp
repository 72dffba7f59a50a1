// How fast one thread makes training images of JPEG files in memory: decoded, randomly cut, resized, mirrored, changed
// by RandAugment or not, written into a batch of bytes.
//
//   image_pipeline FOLDER SIDE POLICY PASSES     seconds of PASSES over FOLDER's *.jpg; POLICY: as rand_augment, or
//   none image_pipeline profile FOLDER SIDE POLICY    milliseconds an image of each stage
//
// Prints one line of JSON. image_pipeline.py compares it with other programs.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include <fmt/core.h>
#include <jpeglib.h>

#include "support/jpeg_source.h"
#include "vision/augmentation.h"
#include "vision/crops.h"
#include "vision/jpeg.h"
#include "vision/rand_augment.h"

namespace incubate {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::int64_t kBatch = 64;
const std::vector<double> kMean = {0.485, 0.456, 0.406};

std::vector<Bytes> read_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".jpg") paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  std::vector<Bytes> files;
  for (const std::filesystem::path& path : paths) {
    std::ifstream file(path, std::ios::binary);
    files.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  if (files.empty()) throw std::runtime_error("no *.jpg in " + folder.string());
  return files;
}

double cpu_seconds() {
  timespec time = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + (1e-9 * static_cast<double>(time.tv_nsec));
}

Augmentation make_augmentation(std::int64_t side, const std::string& policy) {
  Augmentation augmentation = {.flip = true, .resized_crop = ResizedCrop{.side = side}};
  if (policy != "none") augmentation.rand_augment = parse_rand_augment("POLICY", policy);
  return augmentation;
}

void run(const std::vector<Bytes>& files, std::int64_t side, const std::string& policy, std::int64_t passes) {
  const Augmenter augmenter(make_augmentation(side, policy), kMean, 0, Phase::end_to_end);
  const std::int64_t values = 3 * side * side;
  Bytes batch(kBatch * values);
  const auto begin = std::chrono::steady_clock::now();
  const double cpu_begin = cpu_seconds();
  std::int64_t position = 0;
  for (std::int64_t pass = 0; pass < passes; ++pass) {
    for (const Bytes& file : files) {
      const Image image = augmenter.augment(JpegSource(file), {pass, position});
      std::ranges::copy(image.bytes, batch.begin() + (position % kBatch * values));
      ++position;
    }
  }
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  fmt::print("{{\"images\": {}, \"wall_s\": {}, \"cpu_s\": {}}}\n", position, wall.count(), cpu_seconds() - cpu_begin);
}

/// How much of a file libjpeg is to decode.
enum class Depth { coefficients, planes };

/// By libjpeg alone.
void decode_partly(const Bytes& file, Depth depth) {
  jpeg_error_mgr errors;
  jpeg_decompress_struct jpeg;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, file.data(), file.size());
  jpeg_read_header(&jpeg, TRUE);
  if (depth == Depth::coefficients) {
    jpeg_read_coefficients(&jpeg);
  } else {
    jpeg.raw_data_out = TRUE;
    jpeg_start_decompress(&jpeg);
    const JDIMENSION rows = DCTSIZE * jpeg.max_v_samp_factor;
    Bytes row(jpeg.output_width + 64);
    std::vector<JSAMPROW> pointers(rows, row.data());
    JSAMPARRAY planes[3] = {pointers.data(), pointers.data(), pointers.data()};
    while (jpeg.output_scanline < jpeg.output_height) jpeg_read_raw_data(&jpeg, planes, rows);
  }
  jpeg_destroy_decompress(&jpeg);
}

void profile(const std::vector<Bytes>& files, std::int64_t side, const std::string& policy) {
  constexpr int kPasses = 5;
  std::map<std::string, double> ms;
  const auto time = [&](const std::string& stage, auto&& action) {
    const double begin = cpu_seconds();
    action();
    ms[stage] += 1e3 * (cpu_seconds() - begin) / static_cast<double>(kPasses * files.size());
  };
  std::uint64_t draw = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    for (const Bytes& file : files) {
      Generator generator = make_generator(0, Purpose::augmentation, {draw++});
      time("whole: entropy decoding", [&] { decode_partly(file, Depth::coefficients); });
      time("whole: to planes", [&] { decode_partly(file, Depth::planes); });
      time("whole: to pixels", [&] { decode_jpeg(file); });
      const JpegSource source(file);
      const Box box = draw_resized_crop(generator, source.height(), source.width(), {0.08, 1});
      Image image;
      time("part: to pixels", [&] { image = source.part(box, side, side); });
      time("part: resize", [&] { image = resized_crop(ArraySource(image), image.whole(), side, pass % 2 == 0); });
      if (policy != "none") {
        const RandAugmentPolicy parsed = parse_rand_augment("POLICY", policy);
        const std::vector<AugmentStep> steps = draw_rand_augment(generator, parsed);
        for (const AugmentStep& step : steps) {
          if (!step.is_applied) continue;
          time("RandAugment", [&] { image = apply_step(image, step, parsed.severity, {124, 116, 104}); });
        }
      }
    }
  }
  std::string text;
  for (const auto& [stage, value] : ms) text += fmt::format("{}\"{}\": {:.4f}", text.empty() ? "" : ", ", stage, value);
  fmt::print("{{{}}}\n", text);
}

}  // namespace
}  // namespace incubate

int main(int argc, char* argv[]) {
  try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.at(0) == "profile") {
      incubate::profile(incubate::read_files(words.at(1)), std::stoll(words.at(2)), words.at(3));
    } else {
      incubate::run(incubate::read_files(words.at(0)), std::stoll(words.at(1)), words.at(2), std::stoll(words.at(3)));
    }
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    fmt::print(stderr, "image_pipeline: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
