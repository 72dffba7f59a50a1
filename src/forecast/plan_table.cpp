#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/short_number.h"
#include "config/setting.h"
#include "forecast/plan_report.h"

namespace incubate {
namespace {

std::string time_text(double time_s) {
  if (time_s >= 3600) return fmt::format("{:.2f} h", time_s / 3600);
  return time_s >= 60 ? fmt::format("{:.1f} min", time_s / 60) : fmt::format("{:.2g} s", time_s);
}

std::string percent(double fraction) { return fmt::format("{:.1f}%", 100 * fraction); }

std::string ranks_text(std::int64_t first, std::int64_t count) {
  return count == 1 ? fmt::format("rank {}", first) : fmt::format("ranks {}-{}", first, first + count - 1);
}

/// Writes the tables one after the other.
class PlanTable {
 public:
  PlanTable(const PlanReport& report, const PlanConfig& config) : report_(report), config_(config) {}

  std::string write() {
    write_heading();
    write_trainings();
    if (report_.is_on_gpus) {
      write_gpu_state();
      write_gpu_memory();
      write_gpu_fit();
    } else {
      write_memory();
    }
    write_phases();
    for (const PhasePlan& phase : report_.phases) write_rounds(phase);
    if (!report_.methods.empty()) {
      write_methods(report_.methods);
      write_bill();
      line("\nwith --run.sums={} (auto, the default: exact on the CPU, fast on GPUs)", to_string(report_.other_sums()));
      write_methods(report_.methods_with_other_sums);
    }
    write_notes();
    return text_;
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    std::string text = fmt::format(format, std::forward<Args>(args)...);
    text.erase(text.find_last_not_of(' ') + 1);
    text_ += text + "\n";
  }

  bool has_times() const { return config_.rank_tflops.has_value(); }
  /// Returns a time, or its share of `whole_s` if the ranks' speed is unknown.
  std::string time_or_share(double time_s, double whole_s) const {
    return has_times() ? time_text(time_s) : percent(time_s / whole_s);
  }

  void write_heading() {
    const std::int64_t ranks = report_.machine.num_ranks;
    line("{} {}{}{}; {} training images, {} steps of {} images an epoch; sums {}", ranks, ranks == 1 ? "rank" : "ranks",
         has_times() ? fmt::format(" of {} TFLOP/s", *config_.rank_tflops) : "",
         config_.network_gbps ? fmt::format(" with {} Gbit/s each", *config_.network_gbps) : "", report_.num_images,
         report_.num_images / report_.global_batch, report_.global_batch, to_string(report_.sums));
  }

  void write_trainings() {
    line("\n{:<11} {:>11} {:>9} {:>8} {:>14} {:>12} {:>15}  depths", "training", "parameters", "learning", "steps",
         "micro-batches", "block FLOPs", "reduced a step");
    for (const TrainingCost& cost : report_.trainings) {
      line("{:<11} {:>11} {:>9} {:>8} {:>14} {:>12.3e} {:>15}  {}", cost.training->name,
           short_number(static_cast<double>(cost.num_parameters), ""),
           short_number(static_cast<double>(cost.num_learning_parameters), ""), cost.training->total_steps,
           cost.micro_batches, cost.block_flops, bytes_text(cost.reduced_bytes_per_step),
           to_text(cost.training->spec.depths));
    }
  }

  void write_memory() {
    line("\n{:<16} {:>9} {:>9} {:>9} {:>9} {:>9} {:>11} {:>9}", "memory of a rank", "weights", "gradients", "optimizer",
         "average", "sums", "activations", "all");
    for (const TrainingCost& cost : report_.trainings) {
      const Memory& m = cost.memory;
      line("{:<16} {:>9} {:>9} {:>9} {:>9} {:>9} {:>11} {:>9}", cost.training->name, bytes_text(m.weights),
           bytes_text(m.gradients), bytes_text(m.optimizer), bytes_text(m.average), bytes_text(m.sums),
           bytes_text(m.activations), bytes_text(m.total()));
    }
  }

  /// Returns the width of the column of training names.
  std::size_t name_width() const {
    std::size_t width = 16;
    for (const TrainingCost& cost : report_.trainings) width = std::max(width, cost.training->name.size());
    return width;
  }

  void write_gpu_state() {
    line("\n{:<{}} {:>8} {:>8} {:>9} {:>9} {:>8} {:>7} {:>8}", "state of a GPU", name_width(), "weights", "copies",
         "gradients", "optimizer", "average", "sums", "state");
    for (const TrainingCost& cost : report_.trainings) {
      const GpuMemory& gpu = cost.gpu->kept;
      const Memory& m = gpu.tensors;
      line("{:<{}} {:>8} {:>8} {:>9} {:>9} {:>8} {:>7} {:>8}", cost.training->name, name_width(), bytes_text(m.weights),
           bytes_text(gpu.copies), bytes_text(m.gradients), bytes_text(m.optimizer), bytes_text(m.average),
           bytes_text(m.sums), bytes_text(gpu.state()));
    }
  }

  void write_gpu_memory() {
    line("\n{:<{}} {:>8} {:>11} {:>8} {:>9} {:>8} {:>8}", "memory of a GPU", name_width(), "state", "activations",
         "working", "libraries", "reserve", "all");
    const auto write = [&](const std::string& name, const GpuMemory& gpu) {
      line("{:<{}} {:>8} {:>11} {:>8} {:>9} {:>8} {:>8}", name, name_width(), bytes_text(gpu.state()),
           bytes_text(gpu.tensors.activations), bytes_text(gpu.working), bytes_text(gpu.libraries),
           bytes_text(gpu.reserve), bytes_text(gpu.total()));
    };
    for (const TrainingCost& cost : report_.trainings) {
      write(cost.training->name, cost.gpu->kept);
      write("  recomputed", cost.gpu->recomputed);
    }
  }

  /// Writes whether each card has enough memory, or else the largest micro-batch that fits.
  void write_gpu_fit() {
    std::string header = fmt::format("\n{:<{}} {:>6}", "fits a GPU of", name_width(), "micro");
    for (const GpuCard& card : kGpuCards) header += fmt::format(" {:>11} {:>12}", card.name, "recomputed");
    line("{}", header);
    for (const TrainingCost& cost : report_.trainings) {
      const auto fit_text = [&](const std::optional<std::int64_t>& largest) {
        if (!largest) return std::string("no");
        return *largest == cost.gpu->micro ? "yes" : fmt::format("up to {}", *largest);
      };
      std::string row = fmt::format("{:<{}} {:>6}", cost.training->name, name_width(), cost.gpu->micro);
      for (const GpuPlan::LargestMicro& micro : cost.gpu->largest_micro) {
        row += fmt::format(" {:>11} {:>12}", fit_text(micro.kept), fit_text(micro.recomputed));
      }
      line("{}", row);
    }
  }

  std::int64_t memory_bytes_of(const GroupForecast& group, const PhaseWork& work) const {
    if (!report_.is_on_gpus) return memory_of(group, work).total();
    return gpu_memory_per_rank(trainings_of(group, work), memory_settings_of(group, work)).total();
  }

  /// Returns the time of the first method that has the phase; the phase's own time if no such method is chosen.
  double whole_s(const PhasePlan& phase) const {
    for (const MethodForecast& method : report_.methods) {
      if (std::ranges::count(method.phases, phase.work.phase) > 0) return method.predicted_s;
    }
    return phase.forecast.predicted_s;
  }

  void write_phases() {
    line("\n{:<11} {:>10} {:>10} {:>10} {:>11} {:>7}", "phase", "ideal", "at best", "predicted", "efficiency",
         "rounds");
    for (const PhasePlan& phase : report_.phases) {
      const PhaseForecast& f = phase.forecast;
      const double whole = whole_s(phase);
      line("{:<11} {:>10} {:>10} {:>10} {:>11} {:>7}", to_string(phase.work.phase), time_or_share(f.ideal_s, whole),
           time_or_share(f.bound_s, whole), time_or_share(f.predicted_s, whole), percent(f.efficiency()),
           f.rounds.size());
    }
  }

  void write_rounds(const PhasePlan& phase) {
    const std::vector<RoundForecast>& rounds = phase.forecast.rounds;
    for (std::size_t i = 0; i < rounds.size(); ++i) {
      line("\n{}, round {} of {}: {}", to_string(phase.work.phase), i + 1, rounds.size(),
           time_or_share(rounds[i].predicted_s, whole_s(phase)));
      for (const GroupForecast& group : rounds[i].groups) write_group(group, phase);
      const std::int64_t first = rounds[i].first_idle_rank;
      if (first < report_.machine.num_ranks)
        line("  {:<17} idle", ranks_text(first, report_.machine.num_ranks - first));
    }
  }

  void write_group(const GroupForecast& group, const PhasePlan& phase) {
    const PhaseWork& work = phase.work;
    std::string trainings;
    for (const Assignment& a : group.plan.assignments) {
      trainings +=
          fmt::format("{}{} ({} steps)", trainings.empty() ? "" : ", ", work.trainings[a.training]->name, a.num_steps);
    }
    line("  {:<17} {:>9}  {:>9}  {}", ranks_text(group.plan.first_rank, group.plan.num_ranks),
         time_or_share(group.busy_s, whole_s(phase)), bytes_text(memory_bytes_of(group, work)), trainings);
  }

  static std::size_t method_width(const std::vector<MethodForecast>& methods) {
    std::size_t width = 15;
    for (const MethodForecast& method : methods) width = std::max(width, method.method.size());
    return width;
  }

  void write_methods(const std::vector<MethodForecast>& methods) {
    const std::string times = has_times() ? "  wall-clock  rank-hours  critical path" : "";
    const std::size_t width = method_width(methods);
    line("\n{:<{}} {:>12} {:>11}{} {:>9} {:>15} {:>7}", "method", width, "block FLOPs", "efficiency", times, "reduced",
         "reduced a step", "80% at");
    for (const MethodForecast& method : methods) write_method(method, width);
  }

  void write_method(const MethodForecast& m, std::size_t width) {
    const std::string times = has_times() ? fmt::format("{:>12} {:>11.1f} {:>14}", time_text(m.predicted_s),
                                                        m.busy_rank_s / 3600, time_text(m.critical_path_s))
                                          : "";
    line("{:<{}} {:>12.3e} {:>11}{} {:>9} {:>15} {:>7}", m.method, width, m.block_flops, percent(m.efficiency()), times,
         bytes_text(m.reduced_bytes), bytes_text(m.reduced_bytes_per_step),
         m.at_80_percent ? std::to_string(m.at_80_percent->num_ranks) : "-");
  }

  /// Writes what the allocation costs, idle ranks included.
  void write_bill() {
    const std::int64_t ranks = report_.machine.num_ranks, per_node = config_.ranks_per_node;
    const std::int64_t nodes = (ranks + per_node - 1) / per_node;
    const std::size_t width = method_width(report_.methods);
    const char* hours = report_.is_on_gpus ? "GPU-hours" : "rank-hours";
    const std::string times = has_times() ? fmt::format(" {:>12} {:>11} {:>11} {:>14}", "wall-clock", hours,
                                                        "node-hours", fmt::format("jobs of {:g} h", config_.job_hours))
                                          : "";
    line("\n{:<{}}{} {:>7}", "bill", width, times, "idle");
    for (const MethodForecast& m : report_.methods) {
      const double hours_of_job = m.predicted_s / 3600;
      line("{:<{}}{} {:>7}", m.method, width,
           has_times() ? fmt::format(" {:>12} {:>11.1f} {:>11.1f} {:>14.0f}", time_text(m.predicted_s),
                                     m.allocated_rank_s / 3600, hours_of_job * static_cast<double>(nodes),
                                     std::ceil(hours_of_job / config_.job_hours))
                       : "",
           percent(m.idle()));
    }
    write_idle_remedy();
  }

  void write_idle_remedy() {
    const std::int64_t ranks = report_.machine.num_ranks;
    std::string phases;
    for (const Phase phase : report_.phases_with_idle_ranks()) {
      phases += std::string(phases.empty() ? "" : ", ") + to_string(phase);
    }
    if (phases.empty()) return;
    line("ranks idle in {}, which {} fewer micro-batches than ranks.", phases,
         phases.find(',') == std::string::npos ? "has" : "have");
    if (const auto micro = report_.micro_for_all_ranks()) {
      line("--recipe.micro={} uses all {} (it is a part of the result).", *micro, ranks);
    } else {
      line("No micro-batch uses all {}: batch.global={}.", ranks, report_.global_batch);
    }
  }

  void write_gpu_notes() {
    line("\nstate: weights and what comes with those that learn, in fp32; copies are bf16.");
    line("activations: what a micro-batch keeps for its backward pass. working: the most");
    line("that comes and goes beside them. libraries: CUDA, cuBLAS, NCCL. reserve: {}", percent(kFragmentation));
    line("for gaps between PyTorch's blocks. recomputed: a block keeps what flows into it,");
    line("and is computed anew (run.recompute=blocks). With run.shard_optimizer=true");
    line("'optimizer' is a rank's share, in the smallest group that the training gets.");
    line("up to 64: with PHASE.micro=64, which divides batch.global. no: not even with 1.");
  }

  void write_notes() {
    for (const std::string& warning : report_.warnings) line("\nwarning: {}", warning);
    if (report_.is_on_gpus) write_gpu_notes();
    line(
        "\nideal: perfect scaling. at best: no deal of the ranks is faster, reductions left out. efficiency: ideal "
        "over");
    line(
        "predicted. rank-hours: of ranks at work; in the bill, of all. reduced a step: bytes that a group sums over "
        "its ranks.");
    line("80% at: the most ranks (up to 4096) with an efficiency of 80 %. Fewer need not reach it: it falls and rises");
    line("with the ranks, since a step lasts as long as ceil(micro-batches / ranks) of them.");
    if (!has_times()) {
      line("Times are shown as parts of their method's{}. Give --rank-tflops=X, what a rank reaches, for hours.",
           config_.network_gbps ? ", with the network's part as at 1 TFLOP/s a rank" : "");
    }
  }

  const PlanReport& report_;
  const PlanConfig& config_;
  std::string text_;
};

}  // namespace

std::string format_plan(const PlanReport& report, const PlanConfig& config) {
  return PlanTable(report, config).write();
}

}  // namespace incubate
