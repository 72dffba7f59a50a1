// Fuzzes data and metrics files with wrong content that HDF5 itself wrote: see hostile_hdf5.h.
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <typeinfo>

#include "base/check.h"
#include "fuzz/allocation_limit.h"
#include "fuzz/hostile_hdf5.h"
#include "report/metrics_file.h"
#include "support/temporary_directory.h"
#include "vision/array_dataset.h"

namespace incubate {
namespace {

using Type = Expected::Type;

const std::vector<Expected>& expected_dataset() {
  static const std::vector<Expected> expected = {{"filetype", Type::text, {}, {"incubate dataset"}, {}},
                                                 {"version", Type::integer, {}, {}, {1}},
                                                 {"/class_names", Type::text, {2}, {"cat", "dog"}, {}},
                                                 {"/train/images", Type::bytes, {3, 2, 4, 1}, {}, {7, 8, 9}},
                                                 {"/train/labels", Type::integer, {3}, {}, {0, 1}},
                                                 {"/validation/images", Type::bytes, {2, 2, 4, 1}, {}, {7, 8, 9}},
                                                 {"/validation/labels", Type::integer, {2}, {}, {1, 0}}};
  return expected;
}

const std::vector<Expected>& expected_metrics() {
  static const std::vector<Expected> expected = [] {
    std::vector<Expected> list = {{"filetype", Type::text, {}, {"incubate metrics"}, {}},
                                  {"version", Type::integer, {}, {}, {5}},
                                  {"/metrics/name", Type::text, {2}, {"top1", "loss"}, {}},
                                  {"/metrics/title", Type::text, {2}, {"top-1", "loss"}, {}},
                                  {"/metrics/unit", Type::text, {2}, {"%", "nats"}, {}},
                                  {"/metrics/higher_is_better", Type::integer, {2}, {}, {1, 0}},
                                  {"training", Type::text, {}, {"meta"}, {}}};
    for (const char* name : {"/steps/step", "/epochs/step", "/rounds/first_step", "/rounds/last_step",
                             "/rounds/first_rank", "/rounds/num_ranks", "/checkpoints/step"}) {
      list.push_back({name, Type::integer, {3}, {}, {1, 2, 3}});
    }
    for (const char* name : {"/steps/loss",
                             "/steps/learning_rate",
                             "/steps/gradient_norm",
                             "/steps/images_per_s",
                             "/steps/elapsed_s",
                             "/steps/data_wait_s",
                             "/epochs/epoch",
                             "/epochs/train_loss",
                             "/epochs/loss",
                             "/epochs/top1",
                             "/epochs/block_flops",
                             "/epochs/elapsed_s",
                             "/rounds/began_s",
                             "/rounds/ended_s",
                             "/rounds/images_per_s",
                             "/checkpoints/stall_s",
                             "/checkpoints/write_s",
                             "/steps/communication_wait_s",
                             "/steps/model_flops_utilisation",
                             "/steps/memory_peak_bytes"}) {
      list.push_back({name, Type::real, {3}, {}, {1, 2, 3}});
    }
    return list;
  }();
  return expected;
}

/// Reads all images of an accepted split as trainings do. Returns their sum, so that they are really read.
std::int64_t read_all(const std::string& path, Split split, const DatasetInfo& info) {
  const ArrayDataset dataset(path, split);
  check_running(dataset.num_images() == (split == Split::train ? info.num_train : info.num_validation) &&
                    dataset.height() > 0 && dataset.width() > 0 && dataset.channels() > 0,
                "{} images of {}x{}x{}", dataset.num_images(), dataset.height(), dataset.width(), dataset.channels());
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < dataset.num_images(); ++i) {
    for (const std::uint8_t byte : dataset.image(i)) sum += byte;
    const std::int64_t label = dataset.label(i);
    check_running(label >= 0 && label < info.num_classes(), "label {} of {}", label, info.num_classes());
  }
  return sum;
}

void read_dataset(const std::string& path) {
  const DatasetInfo info = check_dataset(path);
  try {
    for (const Split split : {Split::train, Split::validation}) read_all(path, split, info);
  } catch (const std::runtime_error& error) {
    const bool is_documented = std::string(error.what()).starts_with("cannot read '/");
    if (!is_documented || typeid(error) != typeid(std::runtime_error)) throw;
  }
}

void read_metrics(const std::string& path) {
  check_metrics_version(path);
  for (const std::int64_t step : {std::int64_t{2}, std::numeric_limits<std::int64_t>::max()}) {
    const Metrics metrics = Metrics::load(path, step);
    check_running(metrics.steps.size() + metrics.epochs.size() + metrics.rounds.size() + metrics.checkpoints.size() <=
                      std::filesystem::file_size(path),
                  "more rows than bytes");
  }
}

template <typename Read>
void write_and_read(const std::vector<Expected>& expected, ByteSource& source, const Read& read) {
  static const TemporaryDirectory directory;  // HDF5 wants a file with a real path
  const std::string path = directory / "f.h5";
  write_hostile_hdf5(path, expected, source);
  const AllocationLimit limit((std::size_t{16} << 20) + (64 * std::filesystem::file_size(path)));
  read(path);
}

}  // namespace
}  // namespace incubate

/// Unchanged files are read, so the fuzzed code is reached.
extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  using namespace incubate;
  ByteSource nothing({});
  write_and_read(expected_dataset(), nothing, read_dataset);
  write_and_read(expected_metrics(), nothing, read_metrics);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace incubate;
  ByteSource source({data, size});
  try {
    if (source.choice(2) == 0) {
      write_and_read(expected_dataset(), source, read_dataset);
    } else {
      write_and_read(expected_metrics(), source, read_metrics);
    }
  } catch (const InputError&) {
  }
  return 0;
}
