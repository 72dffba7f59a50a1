#include "config/plan_config.h"

#include "base/check.h"

namespace incubate {
namespace {

constexpr std::int64_t kMostRanks = 1'000'000;

void check_speed(const char* name, const std::optional<double>& value) {
  check_input(!value || (*value >= 1e-6 && *value <= 1e9),
              "--{}={} is out of range (times are divided by it). Give 1e-6 to 1e9.", name, value.value_or(0));
}

}  // namespace

std::vector<Setting> list_settings(PlanConfig& c) {
  const Kind o = Kind::operation;
  return {
      make_setting("ranks", c.num_ranks, o, "", "MPI ranks to plan for, one a GPU or CPU process"),
      make_setting("rank-tflops", c.rank_tflops, o, "TFLOP/s", "what a rank reaches in training, for times in hours"),
      make_setting("network-gbps", c.network_gbps, o, "Gbit/s",
                   "bandwidth of a rank in an all-reduce; without it, reductions take no time"),
      make_setting("images", c.num_images, o, "images", "training images; without it, those of data.file"),
      make_flag("json", c.json, "print one JSON object in place of tables")};
}

void validate(const PlanConfig& config) {
  check_input(config.num_ranks.has_value(), "--ranks is missing (a plan deals ranks). Give --ranks=N, such as 64.");
  check_input(*config.num_ranks >= 1 && *config.num_ranks <= kMostRanks,
              "--ranks={} is out of range (a plan is for 1 to {} ranks). Give a number within it.", *config.num_ranks,
              kMostRanks);
  check_speed("rank-tflops", config.rank_tflops);
  check_speed("network-gbps", config.network_gbps);
  check_input(!config.num_images || *config.num_images > 0,
              "--images={} is not positive (an epoch is a pass over the images). Give 1 or more.",
              config.num_images.value_or(0));
}

}  // namespace incubate
