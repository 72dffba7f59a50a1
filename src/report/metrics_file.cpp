#include "report/metrics_file.h"

#include <algorithm>
#include <variant>

#include "base/check.h"
#include "base/version.h"
#include "hdf5/verified_file.h"

namespace incubate {
namespace {

constexpr std::int64_t kMetricsVersion = 6;
constexpr std::int64_t kOldestVersion = 2;
constexpr std::int64_t kNamesMetricsSince = 5;

/// A column of a table: one member of each row. Rows of a version before `since` keep the member's default.
template <typename Row>
struct Column {
  const char* name;
  std::variant<std::int64_t Row::*, double Row::*> member;
  std::int64_t since = kOldestVersion;
};

const std::vector<Column<StepRow>> kStepColumns = {
    {"/steps/step", &StepRow::step},
    {"/steps/loss", &StepRow::loss},
    {"/steps/learning_rate", &StepRow::learning_rate},
    {"/steps/gradient_norm", &StepRow::gradient_norm},
    {"/steps/images_per_s", &StepRow::images_per_s},
    {"/steps/elapsed_s", &StepRow::elapsed_s},
    {"/steps/data_wait_s", &StepRow::data_wait_s, 3},
    {"/steps/communication_wait_s", &StepRow::communication_wait_s, 4},
    {"/steps/model_flops_utilisation", &StepRow::model_flops_utilisation, 4},
    {"/steps/memory_peak_bytes", &StepRow::memory_peak_bytes, 4}};
/// Each figure of the evaluations adds a column of its name.
const std::vector<Column<EpochRow>> kEpochColumns = {{"/epochs/step", &EpochRow::step},
                                                     {"/epochs/epoch", &EpochRow::epoch},
                                                     {"/epochs/train_loss", &EpochRow::train_loss},
                                                     {"/epochs/block_flops", &EpochRow::block_flops},
                                                     {"/epochs/elapsed_s", &EpochRow::elapsed_s},
                                                     {"/epochs/num_samples", &EpochRow::num_samples, 6}};
const std::vector<Column<RoundRow>> kRoundColumns = {
    {"/rounds/first_step", &RoundRow::first_step},    {"/rounds/last_step", &RoundRow::last_step},
    {"/rounds/first_rank", &RoundRow::first_rank},    {"/rounds/num_ranks", &RoundRow::num_ranks},
    {"/rounds/began_s", &RoundRow::began_s},          {"/rounds/ended_s", &RoundRow::ended_s},
    {"/rounds/images_per_s", &RoundRow::images_per_s}};
const std::vector<Column<CheckpointRow>> kCheckpointColumns = {{"/checkpoints/step", &CheckpointRow::step},
                                                               {"/checkpoints/stall_s", &CheckpointRow::stall_s},
                                                               {"/checkpoints/write_s", &CheckpointRow::write_s}};

/// Writes the values that `get` returns of the rows.
template <typename Row, typename Get>
void write_column(Hdf5File& file, const std::string& name, const std::vector<Row>& rows, const Get& get) {
  std::vector<std::decay_t<decltype(get(rows.front()))>> values;
  for (const Row& row : rows) values.push_back(get(row));
  file.write(name, values);
}

template <typename Row>
void write_rows(Hdf5File& file, const std::vector<Column<Row>>& columns, const std::vector<Row>& rows) {
  for (const Column<Row>& column : columns) {
    std::visit(
        [&](auto member) { write_column(file, column.name, rows, [member](const Row& row) { return row.*member; }); },
        column.member);
  }
}

/// Reads a column of `num_rows` rows.
template <typename T>
std::vector<T> read_column(const Hdf5File& file, const std::string& name, std::size_t num_rows) {
  std::vector<T> values = file.read<T>(name);
  check_running(values.size() == num_rows, "cannot read '{}': it has {} rows, other columns beside it have {}", name,
                values.size(), num_rows);
  return values;
}

/// Reads all rows of a table.
template <typename Row>
std::vector<Row> read_rows(const Hdf5File& file, const std::vector<Column<Row>>& columns, std::int64_t version) {
  std::vector<Row> rows(file.read<std::int64_t>(columns.front().name).size());
  for (const Column<Row>& column : columns) {
    if (version < column.since) continue;
    std::visit(
        [&](auto member) {
          const auto values = read_column<std::decay_t<decltype(Row().*member)>>(file, column.name, rows.size());
          for (std::size_t i = 0; i < rows.size(); ++i) rows[i].*member = values[i];
        },
        column.member);
  }
  return rows;
}

/// Removes the rows from the first later row on.
template <typename Row, typename IsLater>
void cut(std::vector<Row>& rows, const IsLater& is_later) {
  rows.erase(std::ranges::find_if(rows, is_later), rows.end());
}

void write_infos(Hdf5File& file, const std::vector<MetricInfo>& infos) {
  const auto texts = [&infos](std::string MetricInfo::*member) {
    std::vector<std::string> values;
    for (const MetricInfo& info : infos) values.push_back(info.*member);
    return values;
  };
  file.write_strings("/metrics/name", texts(&MetricInfo::name));
  file.write_strings("/metrics/title", texts(&MetricInfo::title));
  file.write_strings("/metrics/unit", texts(&MetricInfo::unit));
  write_column(file, "/metrics/higher_is_better", infos,
               [](const MetricInfo& info) { return std::int64_t{info.higher_is_better}; });
}

std::vector<MetricInfo> read_infos(const Hdf5File& file, std::int64_t version) {
  if (version < kNamesMetricsSince) {  // these versions had one task
    return {{"top1", "top-1", "%"}, {"top5", "top-5", "%"}, {"loss", "loss", "nats", false}};
  }
  const std::vector<std::string> names = file.read_strings("/metrics/name"),
                                 titles = file.read_strings("/metrics/title"),
                                 units = file.read_strings("/metrics/unit");
  const auto better = read_column<std::int64_t>(file, "/metrics/higher_is_better", names.size());
  check_running(titles.size() == names.size() && units.size() == names.size(),
                "cannot read '/metrics/name': {} metrics have {} titles and {} units", names.size(), titles.size(),
                units.size());
  std::vector<MetricInfo> infos;
  for (std::size_t i = 0; i < names.size(); ++i) infos.push_back({names[i], titles[i], units[i], better[i] != 0});
  return infos;
}

/// Returns the measurements in the file up to `step`.
Metrics read_metrics(const Hdf5File& file, const std::filesystem::path& path, std::int64_t step) {
  const std::int64_t version = file.read_int_attribute("version");
  check_input(version >= kOldestVersion && version <= kMetricsVersion,
              "{} has version {} of its format; this program reads {} to {}. Use the program that wrote it.",
              path.string(), version, kOldestVersion, kMetricsVersion);
  Metrics metrics;
  metrics.infos = read_infos(file, version);
  metrics.steps = read_rows(file, kStepColumns, version);
  metrics.epochs = read_rows(file, kEpochColumns, version);
  for (const MetricInfo& info : metrics.infos) {
    const auto values = read_column<double>(file, "/epochs/" + info.name, metrics.epochs.size());
    for (std::size_t i = 0; i < values.size(); ++i) metrics.epochs[i].evaluation[info.name] = values[i];
  }
  metrics.rounds = read_rows(file, kRoundColumns, version);
  metrics.checkpoints = read_rows(file, kCheckpointColumns, version);
  cut(metrics.steps, [step](const StepRow& row) { return row.step >= step; });
  cut(metrics.epochs, [step](const EpochRow& row) { return row.step > step; });
  cut(metrics.rounds, [step](const RoundRow& row) { return row.first_step >= step; });
  cut(metrics.checkpoints, [step](const CheckpointRow& row) { return row.step > step; });
  for (RoundRow& row : metrics.rounds) row.last_step = std::min(row.last_step, step);
  return metrics;
}

}  // namespace

void Metrics::save(const std::filesystem::path& path, const std::string& training) const {
  write_verified_file(path, [&](Hdf5File& file) {
    file.write_attribute("filetype", "incubate metrics");
    file.write_attribute("version", kMetricsVersion);
    file.write_attribute("git_sha1", kGitSha1);
    file.write_attribute("training", training);
    write_infos(file, infos);
    write_rows(file, kStepColumns, steps);
    write_rows(file, kEpochColumns, epochs);
    for (const MetricInfo& info : infos) {
      write_column(file, "/epochs/" + info.name, epochs,
                   [&info](const EpochRow& row) { return figure_or_nan(row.evaluation, info.name); });
    }
    write_rows(file, kRoundColumns, rounds);
    write_rows(file, kCheckpointColumns, checkpoints);
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
