#include "report/metrics_file.h"

#include <algorithm>

#include "base/check.h"
#include "base/version.h"
#include "hdf5/verified_file.h"

namespace incubate {
namespace {

constexpr std::int64_t kMetricsVersion = 4;
constexpr std::int64_t kOldestVersion = 2;
constexpr std::int64_t kDataWaitSince = 3;
constexpr std::int64_t kUtilisationSince = 4;  // and with it, communication and memory

/// The values of one member of all rows.
template <typename Row, typename Get>
auto column(const std::vector<Row>& rows, Get get) {
  std::vector<std::decay_t<decltype(get(rows.front()))>> values;
  for (const Row& row : rows) values.push_back(get(row));
  return values;
}

/// A column of `num_rows` rows.
template <typename T>
std::vector<T> read_column(const Hdf5File& file, const std::string& name, std::size_t num_rows) {
  std::vector<T> values = file.read<T>(name);
  check_running(values.size() == num_rows, "cannot read '{}': it has {} rows, other columns beside it have {}", name,
                values.size(), num_rows);
  return values;
}

/// What the file says up to `step`.
Metrics read_metrics(const Hdf5File& file, const std::filesystem::path& path, std::int64_t step) {
  const std::int64_t version = file.read_int_attribute("version");
  check_input(version >= kOldestVersion && version <= kMetricsVersion,
              "{} has version {} of its format; this program reads {} to {}. Use the program that wrote it.",
              path.string(), version, kOldestVersion, kMetricsVersion);
  const auto read = [&file](const char* name, std::size_t num_rows) {
    return read_column<double>(file, name, num_rows);
  };
  const auto read_counts = [&file](const char* name, std::size_t num_rows) {
    return read_column<std::int64_t>(file, name, num_rows);
  };
  Metrics metrics;

  const auto step_numbers = file.read<std::int64_t>("/steps/step");
  const std::size_t num_steps = step_numbers.size();
  const std::vector<double> loss = read("/steps/loss", num_steps), rate = read("/steps/learning_rate", num_steps),
                            norm = read("/steps/gradient_norm", num_steps),
                            speed = read("/steps/images_per_s", num_steps), time = read("/steps/elapsed_s", num_steps),
                            data_wait = version < kDataWaitSince ? std::vector<double>(num_steps)
                                                                 : read("/steps/data_wait_s", num_steps);
  const auto read_newer = [&](const char* name) {
    return version < kUtilisationSince ? std::vector<double>(num_steps, StepRow::kUnknown) : read(name, num_steps);
  };
  const std::vector<double> communication_wait = read_newer("/steps/communication_wait_s"),
                            utilisation = read_newer("/steps/model_flops_utilisation"),
                            memory = read_newer("/steps/memory_peak_bytes");
  for (std::size_t i = 0; i < num_steps && step_numbers[i] < step; ++i) {
    metrics.steps.push_back({step_numbers[i], loss[i], rate[i], norm[i], speed[i], time[i], data_wait[i],
                             communication_wait[i], utilisation[i], memory[i]});
  }

  const auto steps_done = file.read<std::int64_t>("/epochs/step");
  const std::size_t num_epochs = steps_done.size();
  const std::vector<double> epoch = read("/epochs/epoch", num_epochs),
                            train_loss = read("/epochs/train_loss", num_epochs),
                            validation_loss = read("/epochs/loss", num_epochs), top1 = read("/epochs/top1", num_epochs),
                            top5 = read("/epochs/top5", num_epochs), flops = read("/epochs/block_flops", num_epochs),
                            epoch_time = read("/epochs/elapsed_s", num_epochs);
  for (std::size_t i = 0; i < num_epochs && steps_done[i] <= step; ++i) {
    metrics.epochs.push_back(
        {steps_done[i], epoch[i], train_loss[i], {validation_loss[i], top1[i], top5[i]}, flops[i], epoch_time[i]});
  }

  const auto first_step = file.read<std::int64_t>("/rounds/first_step");
  const std::size_t num_rounds = first_step.size();
  const std::vector<std::int64_t> last_step = read_counts("/rounds/last_step", num_rounds),
                                  first_rank = read_counts("/rounds/first_rank", num_rounds),
                                  num_ranks = read_counts("/rounds/num_ranks", num_rounds);
  const std::vector<double> began = read("/rounds/began_s", num_rounds), ended = read("/rounds/ended_s", num_rounds),
                            round_speed = read("/rounds/images_per_s", num_rounds);
  for (std::size_t i = 0; i < num_rounds && first_step[i] < step; ++i) {
    metrics.rounds.push_back(
        {began[i], ended[i], first_step[i], std::min(last_step[i], step), first_rank[i], num_ranks[i], round_speed[i]});
  }

  const auto checkpoint_step = file.read<std::int64_t>("/checkpoints/step");
  const std::size_t num_checkpoints = checkpoint_step.size();
  const std::vector<double> stall = read("/checkpoints/stall_s", num_checkpoints),
                            write = read("/checkpoints/write_s", num_checkpoints);
  for (std::size_t i = 0; i < num_checkpoints && checkpoint_step[i] <= step; ++i) {
    metrics.checkpoints.push_back({checkpoint_step[i], stall[i], write[i]});
  }
  return metrics;
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
    file.write("/steps/communication_wait_s", column(steps, [](const StepRow& r) { return r.communication_wait_s; }));
    file.write("/steps/model_flops_utilisation",
               column(steps, [](const StepRow& r) { return r.model_flops_utilisation; }));
    file.write("/steps/memory_peak_bytes", column(steps, [](const StepRow& r) { return r.memory_peak_bytes; }));
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
  if (!std::filesystem::exists(path)) return {};
  return read_verified_file(path, [&](const Hdf5File& file) { return read_metrics(file, path, step); });
}

void check_metrics_version(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return;
  try {
    read_verified_file(path, [&path](const Hdf5File& file) {
      const std::int64_t version = file.read_int_attribute("version");
      check_input(version <= kMetricsVersion,
                  "{} has version {} of its format; this program reads {} to {}. Use the program that wrote it.",
                  path.string(), version, kOldestVersion, kMetricsVersion);
    });
  } catch (const UnreadableFileError&) {
    return;
  }
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
