#include "report/metrics_file.h"

#include <algorithm>

#include "base/version.h"
#include "hdf5/verified_file.h"

namespace incubate {
namespace {

constexpr std::int64_t kMetricsVersion = 1;

/// The values of one member of all rows.
template <typename Row, typename Get>
auto column(const std::vector<Row>& rows, Get get) {
  std::vector<std::decay_t<decltype(get(rows.front()))>> values;
  for (const Row& row : rows) values.push_back(get(row));
  return values;
}

}  // namespace

void Metrics::save(const std::filesystem::path& path, const std::string& training) const {
  write_verified_file(path, [&](Hdf5File& file) {
    file.write_attribute("filetype", "incubate metrics");
    file.write_attribute("version", kMetricsVersion);
    file.write_attribute("git_sha1", kGitSha1);
    file.write_attribute("training", training);
    file.write("/steps/step", column(steps, [](const StepRow& r) { return r.step; }));
    file.write("/steps/loss", column(steps, [](const StepRow& r) { return r.loss; }));
    file.write("/steps/learning_rate", column(steps, [](const StepRow& r) { return r.learning_rate; }));
    file.write("/steps/gradient_norm", column(steps, [](const StepRow& r) { return r.gradient_norm; }));
    file.write("/steps/images_per_s", column(steps, [](const StepRow& r) { return r.images_per_s; }));
    file.write("/steps/elapsed_s", column(steps, [](const StepRow& r) { return r.elapsed_s; }));
    file.write("/epochs/step", column(epochs, [](const EpochRow& r) { return r.step; }));
    file.write("/epochs/epoch", column(epochs, [](const EpochRow& r) { return r.epoch; }));
    file.write("/epochs/train_loss", column(epochs, [](const EpochRow& r) { return r.train_loss; }));
    file.write("/epochs/loss", column(epochs, [](const EpochRow& r) { return r.evaluation.loss; }));
    file.write("/epochs/top1", column(epochs, [](const EpochRow& r) { return r.evaluation.top1; }));
    file.write("/epochs/top5", column(epochs, [](const EpochRow& r) { return r.evaluation.top5; }));
    file.write("/epochs/block_flops", column(epochs, [](const EpochRow& r) { return r.block_flops; }));
    file.write("/epochs/elapsed_s", column(epochs, [](const EpochRow& r) { return r.elapsed_s; }));
  });
}

Metrics Metrics::load(const std::filesystem::path& path, std::int64_t step) {
  Metrics metrics;
  if (!std::filesystem::exists(path)) return metrics;
  verify_file(path);
  const Hdf5File file = Hdf5File::open(path);
  const auto read = [&file](const char* name) { return file.read<double>(name); };

  const std::vector<std::int64_t> step_numbers = file.read<std::int64_t>("/steps/step");
  const std::vector<double> loss = read("/steps/loss"), rate = read("/steps/learning_rate"),
                            norm = read("/steps/gradient_norm"), speed = read("/steps/images_per_s"),
                            time = read("/steps/elapsed_s");
  for (std::size_t i = 0; i < step_numbers.size() && step_numbers[i] < step; ++i) {
    metrics.steps.push_back({step_numbers[i], loss.at(i), rate.at(i), norm.at(i), speed.at(i), time.at(i)});
  }

  const std::vector<std::int64_t> steps_done = file.read<std::int64_t>("/epochs/step");
  const std::vector<double> epoch = read("/epochs/epoch"), train_loss = read("/epochs/train_loss"),
                            validation_loss = read("/epochs/loss"), top1 = read("/epochs/top1"),
                            top5 = read("/epochs/top5"), flops = read("/epochs/block_flops"),
                            epoch_time = read("/epochs/elapsed_s");
  for (std::size_t i = 0; i < steps_done.size() && steps_done[i] <= step; ++i) {
    metrics.epochs.push_back({steps_done[i],
                              epoch.at(i),
                              train_loss.at(i),
                              {validation_loss.at(i), top1.at(i), top5.at(i)},
                              flops.at(i),
                              epoch_time.at(i)});
  }
  return metrics;
}

void write_metrics_index(const std::filesystem::path& path, const std::vector<std::string>& trainings) {
  write_verified_file(path, [&](Hdf5File& file) {
    file.write_attribute("filetype", "incubate metrics index");
    file.write_attribute("version", kMetricsVersion);
    file.write_attribute("git_sha1", kGitSha1);
    for (const std::string& training : trainings) file.add_external_link(training, "metrics/" + training + ".h5");
  });
}

}  // namespace incubate
