#include "method/run_method.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include <torch/torch.h>

#include "base/check.h"
#include "base/directory_lock.h"
#include "base/stop_request.h"
#include "checkpoint/lock.h"
#include "config/parse.h"
#include "data/dataset.h"
#include "hdf5/atomic_file.h"
#include "method/cache_on_nodes.h"
#include "method/cost_model.h"
#include "method/find_progress.h"
#include "method/log_start.h"
#include "method/run_recorder.h"
#include "method/run_rounds.h"
#include "method/train_group.h"
#include "parallel/device.h"
#include "report/metrics_file.h"
#include "train/peak_flops.h"

namespace incubate {
namespace {

/// What rank 0 finds out before work starts, and hands to the others.
struct Preparation {
  DatasetInfo data;
  std::vector<TrainingProgress> progress;  ///< of each training
  std::vector<Figures> figures;            ///< of the finished ones
};

torch::Device choose_device(DeviceChoice choice, const Communicator& world) {
  if (choice == DeviceChoice::cpu) return torch::kCPU;
  return choice == DeviceChoice::cuda ? require_gpu(world) : gpu_if_all_have_one(world);
}

void check_parents_done(const RunConfig& config, const std::vector<Training>& trainings,
                        const Preparation& preparation) {
  if (config.run.only.empty()) return;
  const auto training = std::ranges::find(trainings, config.run.only, &Training::name);
  for (const std::string& parent : training->parents()) {
    const auto index = std::ranges::find(trainings, parent, &Training::name) - trainings.begin();
    check_input(preparation.progress[index].is_done(), "run.only={} needs {}, which is not done in {}. Run that first.",
                config.run.only, parent, config.run.directory);
  }
}

/// The trainings that are wanted, not done, and whose parents are done: those of the first such phase.
std::vector<std::int64_t> find_ready(const RunConfig& config, const std::vector<Training>& trainings,
                                     const std::vector<TrainingProgress>& progress) {
  std::vector<std::int64_t> ready;
  for (std::size_t i = 0; i < trainings.size(); ++i) {
    if (progress[i].is_done() || !is_wanted(config, trainings[i])) continue;
    if (!ready.empty() && trainings[ready.front()].phase != trainings[i].phase) break;
    ready.push_back(static_cast<std::int64_t>(i));
  }
  return ready;
}

/// The time of each training's micro-batches by its FLOPs, at the speed of the trainings that have been measured.
std::vector<double> estimate_micro_batch_s(const RunConfig& config, const std::vector<Training>& trainings,
                                           const std::vector<TrainingProgress>& progress) {
  constexpr double kUnknownSecondsPerFlop = 1e-12;  // before anything has run
  std::vector<double> flops;
  double measured_s = 0;
  double measured_flops = 0;
  for (std::size_t i = 0; i < trainings.size(); ++i) {
    const auto micro = static_cast<double>(config.phase(trainings[i].phase).micro);
    flops.push_back(trainings[i].block_flops_per_image * micro);
    if (progress[i].micro_batch_s == 0) continue;
    measured_s += progress[i].micro_batch_s;
    measured_flops += flops.back();
  }
  const double seconds_per_flop = measured_flops > 0 ? measured_s / measured_flops : kUnknownSecondsPerFlop;
  for (double& value : flops) value *= seconds_per_flop;
  return flops;
}

/// Reports of a group go to rank 0 by way of its leader; warnings of any rank.
SendReport make_send_report(const ProcessGroup& group, StatusChannel& channel) {
  return [&group, &channel](const StatusReport& report) {
    const bool is_own = report.event == StatusReport::Event::warning;  // of this rank, not of the group
    if (!group.is_leader() && !is_own) return;
    const bool is_usual = report.event == StatusReport::Event::step || report.event == StatusReport::Event::waiting;
    channel.report(std::as_bytes(std::span(&report, 1)),
                   is_usual ? StatusChannel::Urgency::usual : StatusChannel::Urgency::urgent, report.training);
  };
}

/// The whole run, on every rank; rank 0 also keeps the account of it.
class MethodRun {
 public:
  MethodRun(const RunConfig& config, Communicator& world, Log& log)
      : config_(config), world_(world), log_(log), run_(config.run.directory) {}
  Ending run();

 private:
  Ending train_what_is_left();
  void record_failure(const std::string& reason);
  void prepare();
  void prepare_directory();
  void remove_leftovers() const;
  void write_shared_files();
  void share_preparation();
  void open_data();
  Ending run_phases(const RunContext& context, torch::Device device);

  const RunConfig& config_;
  Communicator& world_;
  Log& log_;
  RunDirectory run_;
  Preparation preparation_;
  std::vector<Training> trainings_;
  std::vector<Lock> locks_;                         // rank 0
  std::map<std::string, std::string> lock_tokens_;  // every rank
  std::optional<RunRecorder> recorder_;             // rank 0
  BackgroundWriter writer_;
  std::unique_ptr<const Dataset> train_;
  std::unique_ptr<const Dataset> validation_;
};

Ending MethodRun::run() {
  torch::set_num_threads(static_cast<int>(config_.run.threads));
  allow_tf32(config_.run.precision == Precision::bf16);
  prepare();
  Ending ending = Ending::done;
  try {
    ending = train_what_is_left();
  } catch (const std::exception& error) {
    record_failure(error.what());
    throw;
  }
  if (!world_.is_leader()) return ending;
  // The log's last line says why the run ended.
  if (ending == Ending::stopped) {
    const std::string request = find_stop_request(config_.run.grace_seconds);
    log_.info("Stopped on request; all is saved. The same command goes on.");
    recorder_->end_run("stopped",
                       fmt::format("asked to by {}; all is saved", request.empty() ? "another rank" : request));
  } else {
    log_.info(fmt::format("\n{}", format_results(recorder_->summary().results())));
    recorder_->end_run("done", config_.run.only.empty() ? "every training is done" : config_.run.only + " is done");
  }
  return ending;
}

Ending MethodRun::train_what_is_left() {
  const torch::Device device = choose_device(config_.run.device, world_);
  if (world_.is_leader()) {
    log_environment(config_, world_, device, log_);
    log_plan(config_, preparation_.data, trainings_, preparation_.progress, log_);
  }
  if (!find_ready(config_, trainings_, preparation_.progress).empty()) {
    if (world_.is_leader()) {
      warn_of_idle_ranks(config_, trainings_, world_.size(), log_);
      warn_of_unrecorded(config_, trainings_, log_);
    }
    open_data();
    const double given = config_.run.peak_tflops * 1e12;
    const double peak_flops = given > 0 ? given : measure_peak_flops(device, config_.run.precision, world_);
    if (world_.is_leader()) log_peak_flops(config_, peak_flops, log_);
    return run_phases({config_, run_, trainings_, lock_tokens_, *train_, *validation_, writer_, peak_flops}, device);
  }
  if (world_.is_leader()) log_.info(fmt::format("All is done in {}.", run_.root().string()));
  return Ending::done;
}

/// The run is about to end with an error: its last word is in the files too, if they can still be written.
void MethodRun::record_failure(const std::string& reason) {
  if (recorder_) recorder_->fail(reason);
}

void MethodRun::prepare() {
  // Rank 0 looks at the files; the others learn its verdict.
  agree(world_, [this] {
    if (!world_.is_leader()) return;
    preparation_.data = check_dataset(config_.data.file);
    trainings_ = list_trainings(config_, preparation_.data);
    for (const Training& training : trainings_) {
      const FoundProgress found = find_progress(run_, training);
      preparation_.progress.push_back(found.progress);
      preparation_.figures.push_back(found.figures);
    }
    check_parents_done(config_, trainings_, preparation_);
    prepare_directory();
  });
  share_preparation();
}

void MethodRun::prepare_directory() {
  run_.create();
  for (std::size_t i = 0; i < trainings_.size(); ++i) {
    if (preparation_.progress[i].is_done() || !is_wanted(config_, trainings_[i])) continue;
    locks_.emplace_back(run_.lock(trainings_[i].name));
    lock_tokens_[trainings_[i].name] = locks_.back().token();
  }
  remove_leftovers();
  write_shared_files();
  log_.attach_file(run_.log());
  recorder_.emplace(config_, run_, trainings_, preparation_.data.num_train, world_.size(), log_);
  for (std::size_t i = 0; i < trainings_.size(); ++i) {
    if (preparation_.progress[i].is_done())
      recorder_->add_finished(static_cast<std::int64_t>(i), preparation_.figures[i]);
  }
}

/// Of jobs that were killed while they wrote, or before they removed what a finished training no longer needs.
void MethodRun::remove_leftovers() const {
  for (std::size_t i = 0; i < trainings_.size(); ++i) {
    const std::string& name = trainings_[i].name;
    const bool is_done = preparation_.progress[i].is_done();
    if (is_done || lock_tokens_.contains(name)) run_.remove_drafts(name);
    if (is_done) run_.prune_resume_points(name, 0);
  }
}

/// Those that jobs on one run have in common: several may begin at the same moment.
void MethodRun::write_shared_files() {
  constexpr std::chrono::seconds kPatience(10);
  const DirectoryLock lock(run_.root(), kPatience);
  RunConfig copy = config_;
  replace_text_atomically(run_.config(), print_settings(list_settings(copy)));
  std::vector<std::string> names;
  for (std::size_t i = 0; i < trainings_.size(); ++i) {
    if (trainings_[i].is_chosen || preparation_.progress[i].steps_done > 0) names.push_back(trainings_[i].name);
  }
  write_metrics_index(run_.metrics_index(), names);
}

void MethodRun::share_preparation() {
  DatasetInfo& data = preparation_.data;
  std::vector<std::int64_t> numbers = {data.num_train, data.num_validation, data.height, data.width, data.channels};
  world_.broadcast(std::as_writable_bytes(std::span(numbers)), "sharing what the data is");
  data.num_train = numbers[0];
  data.num_validation = numbers[1];
  data.height = numbers[2];
  data.width = numbers[3];
  data.channels = numbers[4];
  data.digest = world_.broadcast(data.digest, "sharing what the data is");
  from_text("class names", world_.broadcast(to_text(data.class_names), "sharing what the data is"), data.class_names);
  if (!world_.is_leader()) {
    trainings_ = list_trainings(config_, data);
    preparation_.progress.resize(trainings_.size());
  }
  world_.broadcast(std::as_writable_bytes(std::span(preparation_.progress)), "sharing how far the trainings are");
  for (const Training& training : trainings_) {
    lock_tokens_[training.name] = world_.broadcast(lock_tokens_[training.name], "sharing the locks");
  }
}

void MethodRun::open_data() {
  const std::filesystem::path shards = config_.data.cache == Cache::node
                                           ? cache_on_nodes(config_.data, preparation_.data.digest, world_, log_)
                                           : std::filesystem::path();
  agree(world_, [&] {
    try {
      train_ = open_dataset(config_.data.file, Split::train, shards);
      validation_ = open_dataset(config_.data.file, Split::validation, shards);
    } catch (const std::runtime_error& error) {
      throw InputError(fmt::format("{} cannot read the data: {}. Every host must see the same data.file.",
                                   world_.member_name(world_.rank()), error.what()));
    }
  });
}

Ending MethodRun::run_phases(const RunContext& context, torch::Device device) {
  StatusChannel channel(
      world_, [this](std::span<const std::byte> report) { recorder_->on_report(report); },
      [this] { return !find_stop_request(config_.run.grace_seconds).empty(); });
  const auto should_stop = [&channel] { return channel.is_stop_asked(); };
  std::vector<TrainingProgress>& progress = preparation_.progress;
  const auto train = [&](const GroupPlan& plan, ProcessGroup& group, std::vector<TrainingProgress>& reached) {
    train_group(context, plan, group, make_send_report(group, channel), should_stop, reached);
  };
  while (true) {
    const std::vector<std::int64_t> ready = find_ready(config_, trainings_, progress);
    if (ready.empty()) return Ending::done;
    const Phase phase = trainings_[ready.front()].phase;
    const bool is_phase_over =
        run_rounds(ready,
                   {.micro_batches = micro_batches_of(config_, phase),
                    .round_cost_s = config_.run.round_cost_s,
                    .estimated_micro_batch_s = estimate_micro_batch_s(config_, trainings_, progress)},
                   world_, device, channel, train,
                   {.on_begin =
                        [&](const RoundPlan& round) {
                          if (recorder_) recorder_->begin_round(to_string(phase), round);
                        },
                    .on_end =
                        [&](const RoundPlan&, double busy_rank_s) {
                          if (recorder_) recorder_->end_round(busy_rank_s);
                        }},
                   progress);
    if (!is_phase_over) return Ending::stopped;
  }
}

}  // namespace

Ending run_method(const RunConfig& config, Communicator& world, Log& log) {
  const Ending ending = MethodRun(config, world, log).run();
  world.barrier("ending the run");  // with a deadline, which MPI_Finalize has not
  return ending;
}

}  // namespace incubate
