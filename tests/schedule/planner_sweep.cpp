/// Compares the planner with what no planner can beat, for 2 to 16 stages of a network of `--depth` blocks a stage, 8
/// to 512 micro-batches and 1 to 4096 ranks (every `--stride`-th of them, and the first 40). Fails if a plan is further
/// from the linear program's bound than allowed, unless the exact bound of deals is the reason. The same as a table,
/// with the part of the bound that plans reach on average, and that simple redealing reaches.
#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "deal_bound.h"
#include "schedule/planner.h"

namespace incubate {
namespace {

constexpr std::int64_t kSteps = 100'000;
constexpr double kEnough = 0.95;       // of makespan_bound()
constexpr double kNearlyExact = 0.99;  // of deal_bound(), which is itself found by iteration

/// Returns the incubations of a network with stages of `depth` blocks, in block_training_flops()' passes per image.
std::vector<RemainingWork> incubations(std::int64_t num_stages, std::int64_t depth, std::int64_t micro_batches) {
  std::vector<RemainingWork> work;
  for (std::int64_t i = 0; i < num_stages; ++i) {
    const auto passes = static_cast<double>(i + (3 * depth) + (2 * (num_stages - 1 - i)));
    work.push_back({kSteps, passes / static_cast<double>(micro_batches)});
  }
  return work;
}

/// Returns the time of a simple dealer: each rank goes to the training that would end last, and all are dealt anew when
/// a training ends. REQUIRES: num_ranks >= work.size().
double redealt_s(std::vector<RemainingWork> work, std::int64_t micro_batches, std::int64_t num_ranks) {
  double time_s = 0;
  while (!work.empty()) {
    std::vector<std::int64_t> turns(work.size(), micro_batches);  // of a group: micro-batches one after the other
    std::vector<double> left_s;
    for (const RemainingWork& w : work) left_s.push_back(w.serial_s() * static_cast<double>(micro_batches));
    std::vector<std::int64_t> ranks(work.size(), 1);
    for (std::int64_t spare = num_ranks - std::ssize(work);;) {
      const auto last = std::ranges::max_element(left_s) - left_s.begin();
      if (turns[last] == 1) break;
      const std::int64_t more = (micro_batches + turns[last] - 2) / (turns[last] - 1);  // ranks for fewer turns
      if (more - ranks[last] > spare) break;
      spare -= more - ranks[last];
      ranks[last] = more;
      turns[last] = (micro_batches + more - 1) / more;
      left_s[last] = work[last].serial_s() * static_cast<double>(turns[last]);
    }
    const double step_s = *std::ranges::min_element(left_s);
    time_s += step_s;
    std::vector<RemainingWork> open;
    for (std::size_t i = 0; i < work.size(); ++i) {
      const double part = 1 - (step_s / left_s[i]);
      if (part < 1e-9) continue;
      open.push_back(work[i]);
      open.back().micro_batch_s *= part;
    }
    work = open;
  }
  return time_s;
}

struct Result {
  double worst = 1;                         // bound over plan
  double sum_planned = 0, sum_redealt = 0;  // the same, where there is a rank for every stage
  int num_redealt = 0;
  std::int64_t worst_ranks = 0;
  int num_plans = 0;
  int num_below = 0;  // kEnough
  int num_bad = 0;    // and not for want of a better deal
  std::size_t most_rounds = 0;
};

Result sweep(std::int64_t num_stages, std::int64_t micro_batches, std::int64_t depth, std::int64_t stride) {
  const std::vector<RemainingWork> work = incubations(num_stages, depth, micro_batches);
  std::vector<double> serial_s;
  for (const RemainingWork& w : work) serial_s.push_back(w.serial_s());
  // More ranks than all micro-batches change nothing: the first such count stands for the rest.
  const std::int64_t most = std::min<std::int64_t>(4096, num_stages * micro_batches);
  Result result;
  for (std::int64_t ranks = 1; ranks <= most;
       ranks += ranks < 40 ? 1 : std::min(stride, std::max<std::int64_t>(1, most - ranks))) {
    const Plan plan = plan_rounds(work, {ranks, micro_batches, 0, 2 * num_stages});
    const double bound_s = makespan_bound(work, micro_batches, ranks);
    const double reached = bound_s / plan.predicted_s;
    if (ranks >= num_stages) {
      ++result.num_redealt;
      result.sum_planned += reached;
      result.sum_redealt += bound_s / redealt_s(work, micro_batches, ranks);
    }
    ++result.num_plans;
    result.most_rounds = std::max(result.most_rounds, plan.rounds.size());
    if (reached < result.worst) {
      result.worst = reached;
      result.worst_ranks = ranks;
    }
    if (reached >= kEnough) continue;
    ++result.num_below;
    if (deal_bound(serial_s, micro_batches, ranks, 400) / plan.predicted_s < kNearlyExact) ++result.num_bad;
  }
  return result;
}

int run(std::int64_t stride, std::int64_t depth) {
  int num_bad = 0;
  std::printf(
      "micro-batches stages  plans  worst  at ranks  below %.2f  of them not for want of a better deal  most rounds"
      "  mean planned  redealt\n",
      kEnough);
  for (const std::int64_t micro_batches : {8, 32, 128, 512}) {
    for (std::int64_t num_stages = 2; num_stages <= 16; ++num_stages) {
      const Result r = sweep(num_stages, micro_batches, depth, stride);
      std::printf("%13ld %6ld %6d %6.4f %9ld %11d %39d %12zu %13.3f %8.3f\n", micro_batches, num_stages, r.num_plans,
                  r.worst, r.worst_ranks, r.num_below, r.num_bad, r.most_rounds, r.sum_planned / r.num_redealt,
                  r.sum_redealt / r.num_redealt);
      std::fflush(stdout);
      num_bad += r.num_bad + (r.most_rounds > static_cast<std::size_t>(2 * num_stages) ? 1 : 0);
    }
  }
  std::printf("%s\n", num_bad == 0 ? "good" : "BAD");
  return num_bad == 0 ? 0 : 1;
}

}  // namespace
}  // namespace incubate

int main(int argc, char* argv[]) {
  std::int64_t stride = 1;
  std::int64_t depth = 3;
  for (int i = 1; i + 1 < argc; i += 2) {
    (std::string(argv[i]) == "--stride" ? stride : depth) = std::stoll(argv[i + 1]);
  }
  return incubate::run(stride, depth);
}
