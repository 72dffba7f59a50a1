#include "config/plan_config.h"

#include "base/check.h"

namespace incubate {
namespace {

const Range kRanks{.least = 1, .most = 1e6};
const Range kSpeed{.least = 1e-6, .most = 1e9, .reason = "times are divided by it"};

}  // namespace

std::vector<Setting> list_settings(PlanConfig& c) {
  const Kind o = Kind::operation;
  return {make_setting("ranks", c.num_ranks, o, "", "MPI ranks to plan for, one a GPU or CPU process", kRanks),
          make_setting("rank-tflops", c.rank_tflops, o, "TFLOP/s",
                       "what a rank reaches in training, for times in hours", kSpeed),
          make_setting("network-gbps", c.network_gbps, o, "Gbit/s",
                       "bandwidth of a rank in an all-reduce; without it, reductions take no time", kSpeed),
          make_setting("images", c.num_images, o, "images", "training images; without it, those of data.file", kCount),
          make_setting("job-hours", c.job_hours, o, "h", "time limit of a job, for the number of jobs", kSpeed),
          make_setting("ranks-per-node", c.ranks_per_node, o, "ranks", "for node-hours", kRanks),
          make_flag("json", c.json, "print one JSON object in place of tables")};
}

void validate(const PlanConfig& config) {
  check_input(config.num_ranks.has_value(), "--ranks is missing (a plan deals ranks). Give --ranks=N, such as 64.");
}

}  // namespace incubate
