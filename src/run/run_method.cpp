#include "run/run_method.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <optional>

#include <fmt/ranges.h>
#include <torch/torch.h>

#include "base/check.h"
#include "base/input_file.h"
#include "base/out_of_memory.h"
#include "base/short_number.h"
#include "base/stop_request.h"
#include "base/thread.h"
#include "checkpoint/lock.h"
#include "config/parse.h"
#include "forecast/cost_model.h"
#include "forecast/outlasting_settings.h"
#include "hdf5/atomic_file.h"
#include "hdf5/verified_file.h"
#include "method/transfer.h"
#include "parallel/peak_flops.h"
#include "report/metrics_file.h"
#include "run/arithmetic.h"
#include "run/cache_on_nodes.h"
#include "run/choose_device.h"
#include "run/find_progress.h"
#include "run/log_start.h"
#include "run/parent_run.h"
#include "run/run_recorder.h"
#include "run/shared_data.h"
#include "run/train_group.h"
#include "schedule/run_rounds.h"
#include "tasks/task.h"
#include "vision/dataset.h"

namespace incubate {
namespace {

/// The facts that rank 0 finds out before work starts and hands to the others.
struct Preparation {
  DatasetInfo data;
  std::vector<TrainingProgress> progress;  ///< of each training
};

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

/// Throws InputError if the job's time is nearly over: a training would stop after a step, and again whenever the job
/// is requeued.
void check_time_left(const RunConfig& config) {
  const double left_s = find_job_time_left_s();
  check_input(left_s > config.run.grace_seconds,
              "{:.0f} s are left of the job's time (SLURM_JOB_END_TIME), and run.grace_seconds={:g} of it are kept for "
              "saving: no time to train. Give the job a longer time limit, or a smaller run.grace_seconds.",
              std::max(0.0, left_s), config.run.grace_seconds);
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

/// Returns what a user should know who sees that `request` to stop has come.
const char* advise_on(const std::string& request) {
  if (request == "SIGINT") return " Ctrl-C again ends at once, and saves nothing.";
  const bool is_of_mpirun = request == "SIGTERM" && std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr;
  return is_of_mpirun ? " mpirun leaves its ranks a second for that: start them with jobscripts/mpirun.sh." : "";
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
  MethodRun(const RunConfig& config, const AvailableDevice& device, Communicator& world, Log& log)
      : config_(config), device_(device), world_(world), log_(log), run_(config.run.directory) {}
  Ending run();

 private:
  Ending train_what_is_left();
  MemoryNeed describe_data_memory() const;
  void record_failure(const std::string& reason);
  void prepare();
  void check_transfer();
  void prepare_directory();
  void take_locks_of_work();
  void remove_leftovers() const;
  void write_shared_files();
  void share_preparation();
  void check_what_ranks_see();
  void compare_arithmetic();
  void open_data();
  Ending run_phases(const RunContext& context);

  const RunConfig& config_;
  const AvailableDevice& device_;
  Communicator& world_;
  Log& log_;
  RunDirectory run_;
  Preparation preparation_;
  std::vector<Training> trainings_;
  std::vector<FoundProgress> found_;  // rank 0
  std::string transfer_note_;         // rank 0
  ParentRun parent_;                  // rank 0
  VerifiedFiles verified_;
  bool is_recorded_ = false;                        // rank 0: nothing is left to do, and the files say so
  std::vector<Lock> locks_;                         // rank 0
  std::map<std::string, std::string> lock_tokens_;  // every rank
  std::optional<RunRecorder> recorder_;             // rank 0
  BackgroundWriter writer_;
  std::vector<std::string> arithmetic_;  // kinds of the ranks
  std::unique_ptr<const Dataset> train_;
  std::unique_ptr<const Dataset> validation_;
};

Ending MethodRun::run() {
  try_threads(fmt::format("run.threads={}: a thread", config_.run.threads), config_.run.threads - 1);
  torch::set_num_threads(static_cast<int>(config_.run.threads));
  allow_tf32(config_.run.precision == Precision::bf16);
  prepare();
  Ending ending = Ending::done;
  try {
    ending = explain_lack_of_memory([this] { return describe_data_memory(); }, [this] { return train_what_is_left(); });
  } catch (const std::exception& error) {
    record_failure(error.what());
    throw;
  }
  if (!world_.is_leader()) return ending;
  // The log's last line says why the run ended.
  if (ending == Ending::stopped) {
    const std::string request = find_stop_request(config_.run.grace_seconds);
    const std::string reason = fmt::format("asked to by {}; all is saved", request.empty() ? "another rank" : request);
    log_.info(fmt::format("Stopped: {}. The same command goes on.", reason));
    recorder_->end_run("stopped", reason);
  } else {
    log_.info(fmt::format("\n{}", recorder_->result_table()));
    if (is_recorded_) return ending;
    recorder_->end_run("done", config_.run.only.empty() ? "every training is done" : config_.run.only + " is done");
  }
  return ending;
}

Ending MethodRun::train_what_is_left() {
  if (find_ready(config_, trainings_, preparation_.progress).empty()) {
    if (world_.is_leader()) log_.info(fmt::format("All is done in {}.", run_.root().string()));
    return Ending::done;
  }
  if (world_.is_leader()) {
    log_environment(config_, world_, device_.device, log_);
    log_plan(config_, preparation_.data, trainings_, preparation_.progress, log_);
    if (!device_.warning.empty()) log_.warn(device_.warning);
    warn_of_idle_ranks(config_, trainings_, world_.size(), log_);
    warn_of_unrecorded(config_, trainings_, log_);
    for (const std::string& warning : find_outlasting(config_, trainings_, preparation_.data.num_train)) {
      log_.warn(warning);
    }
  }
  compare_arithmetic();
  open_data();
  const double given = config_.run.peak_tflops * 1e12;
  const double peak_flops =
      given > 0
          ? given
          : measure_peak_flops(device_.device,
                               config_.run.precision == Precision::bf16 ? torch::kBFloat16 : torch::kFloat32, world_);
  if (world_.is_leader()) log_peak_flops(config_, peak_flops, log_);
  agree(world_, [this] {
    if (world_.is_leader()) check_time_left(config_);  // copying the data may have taken long
  });
  return run_phases(
      {config_, run_, trainings_, lock_tokens_, *train_, *validation_, writer_, verified_, arithmetic_, peak_flops});
}

/// Of what comes before the first step: groups describe their own.
MemoryNeed MethodRun::describe_data_memory() const {
  const std::vector<std::int64_t> ready = find_ready(config_, trainings_, preparation_.progress);
  std::error_code error;
  const auto bytes = static_cast<double>(std::filesystem::file_size(config_.data.file, error));
  return {.subject = ready.empty() ? "the run" : trainings_[ready.front()].name,
          .needed = error ? "" : fmt::format("each rank holds data.file, {}, beside the training", bytes_text(bytes)),
          .remedy =
              "Start fewer ranks a node, or pack images as files ('incubate pack --format=folder'), which are read "
              "when they are needed; 'incubate plan' says what the training takes."};
}

/// The run is about to end with an error: its last word is in the files too, if they can still be written.
void MethodRun::record_failure(const std::string& reason) {
  if (recorder_) recorder_->fail(reason);
}

void MethodRun::prepare() {
  // The others wait while rank 0 watches the locks of other jobs.
  world_.set_timeout(config_.run.timeout_s + (2 * std::chrono::duration<double>(LockOptions().stale_after).count()));
  // Rank 0 looks at the files; the others learn its verdict.
  agree(world_, [this] {
    if (!world_.is_leader()) return;
    preparation_.data = check_dataset(config_.data.file);
    trainings_ = list_trainings(config_, preparation_.data);
    parent_ = take_over_from_parent(config_, run_, trainings_, verified_);
    found_ = find_all_progress(config_, run_, trainings_, verified_);
    for (const FoundProgress& found : found_) preparation_.progress.push_back(found.progress);
    check_parents_done(config_, trainings_, preparation_);
    check_transfer();
    if (!find_ready(config_, trainings_, preparation_.progress).empty()) check_time_left(config_);
    prepare_directory();
  });
  world_.set_timeout(config_.run.timeout_s);
  share_preparation();
  if (!find_ready(config_, trainings_, preparation_.progress).empty()) check_what_ranks_see();
}

/// A file that does not fit is to be told now, not after the trainings before it.
void MethodRun::check_transfer() {
  for (std::size_t i = 0; i < trainings_.size(); ++i) {
    const Training& training = trainings_[i];
    if (training.starts.front() != Start::transfer || !is_wanted(config_, training)) continue;
    if (preparation_.progress[i].steps_done > 0) continue;
    StagedModel model(training.spec, make_task(config_, training.phase)->make_head(training.spec));
    transfer_note_ = load_transferred(model, training);
  }
}

void MethodRun::prepare_directory() {
  is_recorded_ = find_ready(config_, trainings_, preparation_.progress).empty() &&
                 RunRecorder::is_recorded(config_, run_, trainings_);
  if (!is_recorded_) {
    run_.create();
    take_locks_of_work();
    write_shared_files();
    log_.attach_file(run_.log());
  }
  remove_leftovers();
  for (const std::string& note : parent_.notes) log_.info(note);
  if (!transfer_note_.empty()) log_.info(transfer_note_);
  recorder_.emplace(config_, run_, trainings_, make_task(config_, Phase::meta)->list_metrics(),
                    preparation_.data.num_train, world_.size(), log_);
  recorder_->add_rounds(parent_.rounds);
  for (std::size_t i = 0; i < trainings_.size(); ++i) {
    for (const std::string& warning : found_[i].warnings) log_.warn(warning);
    if (found_[i].progress.is_done()) recorder_->add_finished(static_cast<std::int64_t>(i), found_[i].figures);
  }
}

/// Takes the locks of all that this job trains, and looks again at what another job has carried on until its lock was
/// free.
void MethodRun::take_locks_of_work() {
  std::vector<std::size_t> undone;
  std::vector<std::filesystem::path> paths;
  for (std::size_t i = 0; i < trainings_.size(); ++i) {
    if (found_[i].progress.is_done() || !is_wanted(config_, trainings_[i])) continue;
    undone.push_back(i);
    paths.push_back(run_.lock(trainings_[i].name));
  }
  LockOptions options;
  options.tell = [this](const std::string& message) { log_.info(message); };
  locks_ = take_locks(paths, options);
  for (std::size_t i = 0; i < undone.size(); ++i) {
    const Training& training = trainings_[undone[i]];
    FoundProgress& found = found_[undone[i]];
    lock_tokens_[training.name] = locks_[i].token();
    if (!is_as_found(run_, training, found)) found = find_progress(run_, training, verified_);
    preparation_.progress[undone[i]] = found.progress;
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

/// Writes the files that jobs on one run have in common. Of several that begin at the same moment the last one's
/// remain.
void MethodRun::write_shared_files() {
  RunConfig copy = config_;
  run_.write_config(print_settings(list_settings(copy)));
  std::vector<std::string> names;
  for (std::size_t i = 0; i < trainings_.size(); ++i) {
    const std::string& name = trainings_[i].name;
    if (trainings_[i].is_chosen || std::filesystem::exists(run_.metrics(name))) names.push_back(name);
  }
  write_metrics_index(run_.metrics_index(), names);
}

void MethodRun::share_preparation() {
  share_dataset_info(preparation_.data, world_);
  if (!world_.is_leader()) {
    trainings_ = list_trainings(config_, preparation_.data);
    preparation_.progress.resize(trainings_.size());
  }
  world_.broadcast(std::as_writable_bytes(std::span(preparation_.progress)), "sharing how far the trainings are");
  for (std::size_t i = 0; i < trainings_.size(); ++i) {
    const std::string& name = trainings_[i].name;
    const TrainingProgress& progress = preparation_.progress[i];
    if (progress.steps_done == 0) continue;
    verified_.insert(progress.is_done() ? run_.finished(name) : run_.resume_point(name, progress.steps_done));
  }
  for (const Training& training : trainings_) {
    lock_tokens_[training.name] = world_.broadcast(lock_tokens_[training.name], "sharing the locks");
  }
}

/// Every rank must have rank 0's data and run directory.
void MethodRun::check_what_ranks_see() {
  compare_data(config_.data.file, preparation_.data.digest, world_);
  const auto mark = std::ranges::find_if(lock_tokens_, [](const auto& item) { return !item.second.empty(); });
  const auto patience = std::chrono::milliseconds(std::llround(1000 * std::min(30.0, config_.run.timeout_s / 3)));
  agree(world_, [&] {
    check_input(mark == lock_tokens_.end() || sees_lock(run_.lock(mark->first), mark->second, patience),
                "{} does not see what {} writes to run.directory={} (all read checkpoints there, and any may write "
                "them). Give a directory that all hosts share, by its absolute path.",
                world_.member_name(world_.rank()), world_.member_name(0), config_.run.directory);
  });
}

/// Warns where weights cannot be computed again, as the ranks, or those of earlier jobs, have other last bits.
void MethodRun::compare_arithmetic() {
  const ArithmeticOfRanks found = gather_arithmetic(device_.device, world_);
  arithmetic_ = found.kinds;
  const std::string slow =
      config_.run.precision == Precision::bf16 ? find_slow_bf16(device_.device, world_) : std::string();
  if (!world_.is_leader()) return;
  recorder_->set_arithmetic(arithmetic_);
  log_.record(fmt::format("arithmetic: {}", fmt::join(arithmetic_, "; and ")));
  for (const std::string& warning : {found.warning, slow}) {
    if (!warning.empty()) log_.warn(warning);
  }
  for (std::size_t i = 0; i < trainings_.size(); ++i) {
    const std::vector<std::string>& earlier = found_[i].arithmetic;
    if (earlier.empty() || earlier == arithmetic_) continue;
    log_.warn(fmt::format(
        "{} was computed with another kind of arithmetic ({}) than this job has ({}): weights that come of both are "
        "not reproducible. Go on on the same kind of processor, with the same run.instructions.",
        trainings_[i].name, fmt::join(earlier, "; and "), fmt::join(arithmetic_, "; and ")));
  }
}

void MethodRun::open_data() {
  const std::filesystem::path shards = config_.data.cache == Cache::node
                                           ? cache_on_nodes(config_.data, preparation_.data.digest, world_, log_)
                                           : std::filesystem::path();
  train_ = open_on_all(config_.data.file, Split::train, world_, shards);
  validation_ = open_on_all(config_.data.file, Split::validation, world_, shards);
}

Ending MethodRun::run_phases(const RunContext& context) {
  StatusChannel channel(
      world_, [this](std::span<const std::byte> report) { recorder_->on_report(report); },
      [this] {
        const std::string request = find_stop_request(config_.run.grace_seconds);
        if (request.empty()) return false;
        // The channel asks no more after this.
        log_.info(fmt::format("Asked to stop by {}: saving.{}", request, advise_on(request)));
        return true;
      });
  const auto should_stop = [&channel] { return channel.is_stop_asked(); };
  std::vector<TrainingProgress>& progress = preparation_.progress;
  const auto train = [&](const GroupPlan& plan, ProcessGroup& group, std::vector<TrainingProgress>& reached) {
    train_group(context, plan, group, make_send_report(group, channel), should_stop, reached);
    verified_.clear();  // much time has passed
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
                   world_, device_.device, channel, train,
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

Ending run_method(const RunConfig& given, Communicator& world, Log& log) {
  const AvailableDevice device = choose_device(given.run.device, world);
  RunConfig config = given;
  settle_sums(config.run, device.device.is_cuda());
  agree(world, [&] {
    if (world.is_leader()) settle_transfer(config);
  });
  config.transfer.source = world.broadcast(config.transfer.source, "sharing which weights are transferred");
  const Ending ending = MethodRun(config, device, world, log).run();
  world.barrier("ending the run");  // with a deadline, which MPI_Finalize has not
  return ending;
}

}  // namespace incubate
