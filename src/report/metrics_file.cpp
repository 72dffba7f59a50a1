#include "report/metrics_file.h"

#include <algorithm>

#include "base/check.h"
#include "base/version.h"
#include "hdf5/verified_file.h"

namespace incubate {
namespace {

constexpr std::int64_t kMetricsVersion = 3;
constexpr std::int64_t kOldestVersion = 2;  // without the time that was waited for data

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
    file.write("/steps/data_wait_s", column(steps, [](const StepRow& r) { return r.data_wait_s; }));
    file.write("/epochs/step", column(epochs, [](const EpochRow& r) { return r.step; }));
    file.write("/epochs/epoch", column(epochs, [](const EpochRow& r) { return r.epoch; }));
    file.write("/epochs/train_loss", column(epochs, [](const EpochRow& r) { return r.train_loss; }));
    file.write("/epochs/loss", column(epochs, [](const EpochRow& r) { return r.evaluation.loss; }));
    file.write("/epochs/top1", column(epochs, [](const EpochRow& r) { return r.evaluation.top1; }));
    file.write("/epochs/top5", column(epochs, [](const EpochRow& r) { return r.evaluation.top5; }));
    file.write("/epochs/block_flops", column(epochs, [](const EpochRow& r) { return r.block_flops; }));
    file.write("/epochs/elapsed_s", column(epochs, [](const EpochRow& r) { return r.elapsed_s; }));
    file.write("/rounds/began_s", column(rounds, [](const RoundRow& r) { return r.began_s; }));
    file.write("/rounds/ended_s", column(rounds, [](const RoundRow& r) { return r.ended_s; }));
    file.write("/rounds/first_step", column(rounds, [](const RoundRow& r) { return r.first_step; }));
    file.write("/rounds/last_step", column(rounds, [](const RoundRow& r) { return r.last_step; }));
    file.write("/rounds/first_rank", column(rounds, [](const RoundRow& r) { return r.first_rank; }));
    file.write("/rounds/num_ranks", column(rounds, [](const RoundRow& r) { return r.num_ranks; }));
    file.write("/rounds/images_per_s", column(rounds, [](const RoundRow& r) { return r.images_per_s; }));
    file.write("/checkpoints/step", column(checkpoints, [](const CheckpointRow& r) { return r.step; }));
    file.write("/checkpoints/stall_s", column(checkpoints, [](const CheckpointRow& r) { return r.stall_s; }));
    file.write("/checkpoints/write_s", column(checkpoints, [](const CheckpointRow& r) { return r.write_s; }));
  });
}

Metrics Metrics::load(const std::filesystem::path& path, std::int64_t step) {
  Metrics metrics;
  if (!std::filesystem::exists(path)) return metrics;
  verify_file(path);
  const Hdf5File file = Hdf5File::open(path);
  const std::int64_t version = file.read_int_attribute("version");
  check_input(version >= kOldestVersion && version <= kMetricsVersion,
              "{} has version {} of its format; this program reads {} to {}. Use the program that wrote it.",
              path.string(), version, kOldestVersion, kMetricsVersion);
  const auto read = [&file](const char* name) { return file.read<double>(name); };

  const std::vector<std::int64_t> step_numbers = file.read<std::int64_t>("/steps/step");
  const std::vector<double> loss = read("/steps/loss"), rate = read("/steps/learning_rate"),
                            norm = read("/steps/gradient_norm"), speed = read("/steps/images_per_s"),
                            time = read("/steps/elapsed_s");
  const std::vector<double> data_wait =
      version == kOldestVersion ? std::vector<double>(step_numbers.size()) : read("/steps/data_wait_s");
  for (std::size_t i = 0; i < step_numbers.size() && step_numbers[i] < step; ++i) {
    metrics.steps.push_back(
        {step_numbers[i], loss.at(i), rate.at(i), norm.at(i), speed.at(i), time.at(i), data_wait.at(i)});
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

  const std::vector<std::int64_t> first_step = file.read<std::int64_t>("/rounds/first_step"),
                                  last_step = file.read<std::int64_t>("/rounds/last_step"),
                                  first_rank = file.read<std::int64_t>("/rounds/first_rank"),
                                  num_ranks = file.read<std::int64_t>("/rounds/num_ranks");
  const std::vector<double> began = read("/rounds/began_s"), ended = read("/rounds/ended_s"),
                            round_speed = read("/rounds/images_per_s");
  for (std::size_t i = 0; i < last_step.size() && first_step[i] < step; ++i) {
    metrics.rounds.push_back({began.at(i), ended.at(i), first_step.at(i), std::min(last_step.at(i), step),
                              first_rank.at(i), num_ranks.at(i), round_speed.at(i)});
  }

  const std::vector<std::int64_t> checkpoint_step = file.read<std::int64_t>("/checkpoints/step");
  const std::vector<double> stall = read("/checkpoints/stall_s"), write = read("/checkpoints/write_s");
  for (std::size_t i = 0; i < checkpoint_step.size() && checkpoint_step[i] <= step; ++i) {
    metrics.checkpoints.push_back({checkpoint_step[i], stall.at(i), write.at(i)});
  }
  return metrics;
}

void check_metrics_version(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return;
  try {
    verify_file(path);
  } catch (const DamagedFileError&) {
    return;
  }
  const std::int64_t version = Hdf5File::open(path).read_int_attribute("version");
  check_input(version <= kMetricsVersion,
              "{} has version {} of its format; this program reads {} to {}. Use the program that wrote it.",
              path.string(), version, kOldestVersion, kMetricsVersion);
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
