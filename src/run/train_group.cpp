#include "run/train_group.h"

#include <deque>
#include <memory>
#include <optional>

#include "base/out_of_memory.h"
#include "base/share.h"
#include "forecast/cost_model.h"
#include "forecast/describe_memory.h"
#include "gpu/device_memory.h"
#include "run/nvtx_ranges.h"
#include "run/step_profiler.h"
#include "run/training_run.h"
#include "train/train_together.h"

namespace incubate {
namespace {

std::unique_ptr<Sampler> make_train_sampler(const RunContext& context, Phase phase, const ProcessGroup& group) {
  const RunConfig& config = context.config;
  return std::make_unique<RandomSampler>(context.train.num_images(), config.batch.global, config.phase(phase).micro,
                                         static_cast<std::uint64_t>(config.run.seed), phase,
                                         config.phase(phase).repeated_augmentation,
                                         config.data.shuffle == Shuffle::block ? config.data.shuffle_block : 0,
                                         share_of(micro_batches_of(config, phase), group.rank(), group.size()));
}

void train_assignments(const RunContext& context, const GroupPlan& plan, ProcessGroup& group,
                       const SendReport& send_report, const std::function<bool()>& should_stop,
                       std::vector<TrainingProgress>& progress) {
  const Phase phase = context.trainings[plan.assignments.front().training].phase;
  const auto tell = [&](StatusReport::Event event) {
    return [&, event](const std::string& text) {
      send_report(text_report(event, plan.assignments.front().training, text));
    };
  };
  // Before there are threads of loaders.
  const std::unique_ptr<StepProfiler> profiler =
      make_step_profiler(context, plan, group, tell(StatusReport::Event::warning), tell(StatusReport::Event::note));
  std::optional<NvtxRanges> ranges;
  if (context.config.run.nvtx && group.device().is_cuda()) ranges.emplace();
  const LoaderOptions options = {.workers = context.config.data.workers,
                                 .depth = context.config.data.prefetch,
                                 .memory = batch_memory(group.device()),
                                 .on_error = context.config.data.on_error,
                                 .warn = tell(StatusReport::Event::warning)};
  const std::unique_ptr<const Task> task = make_task(context.config, phase);
  Loader train(task->make_samples(context.train, Split::train), make_train_sampler(context, phase, group), options);
  const auto make_validation = [&](std::int64_t num_images) {
    return std::make_unique<Loader>(
        task->make_samples(context.validation, Split::validation),
        std::make_unique<SequentialSampler>(choose_samples(context.validation.num_images(), num_images),
                                            context.config.phase(phase).micro, group.rank(), group.size()),
        options);
  };
  const std::unique_ptr<Loader> validation = make_validation(context.validation.num_images());
  const std::int64_t part = context.config.train.evaluate_images;
  const std::unique_ptr<Loader> validation_part = part > 0 ? make_validation(part) : nullptr;
  std::deque<TrainingRun> runs;
  for (const Assignment& a : plan.assignments) {
    runs.emplace_back(context, a, progress[a.training].steps_done, plan.first_rank, group, send_report);
    runs.back().begin(runs);
  }
  std::vector<Participant> participants;
  for (TrainingRun& run : runs) participants.push_back(run.participant());
  train_together(participants, train, {*validation, validation_part ? *validation_part : *validation}, group,
                 should_stop, profiler ? profiler->hooks() : StepHooks());
  if (profiler) profiler->finish();
  for (std::size_t i = 0; i < runs.size(); ++i) runs[i].end(progress[plan.assignments[i].training]);
}

MemoryNeed memory_need(const RunContext& context, const GroupPlan& plan, const ProcessGroup& group) {
  std::vector<const Training*> trainings;
  for (const Assignment& a : plan.assignments) trainings.push_back(&context.trainings[a.training]);
  return describe_memory(context.config, trainings, group.device(), group.size());
}

}  // namespace

void train_group(const RunContext& context, const GroupPlan& plan, ProcessGroup& group, const SendReport& send_report,
                 const std::function<bool()>& should_stop, std::vector<TrainingProgress>& progress) {
  try {
    explain_lack_of_memory([&] { return memory_need(context, plan, group); },
                           [&] { train_assignments(context, plan, group, send_report, should_stop, progress); });
    // The next round's blocks have other sizes, and NCCL takes its buffers past PyTorch's allocator.
    release_cached_memory(group.device());
  } catch (const PeerFailure&) {
    throw;  // whoever knows the reason reports it
  } catch (const std::exception& error) {
    // Rank 0 writes it down before the job ends.
    send_report(text_report(StatusReport::Event::failed, plan.assignments.front().training, error.what()));
    throw;
  }
}

}  // namespace incubate
