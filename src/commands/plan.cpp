#include <filesystem>

#include <fmt/format.h>

#include "base/check.h"
#include "commands/commands.h"
#include "commands/print_output.h"
#include "commands/run_arguments.h"
#include "config/plan_config.h"
#include "config/validate.h"
#include "forecast/plan_report.h"

namespace incubate {
namespace {

constexpr const char* kPlanHelp =
    "incubate plan [--config] input/NAME.ini --ranks=N [--rank-tflops=X]\n"
    "  [--network-gbps=Y] [--images=N] [--job-hours=H] [--ranks-per-node=N] [--json]\n"
    "  [--section.key=value ...]\n\n"
    "Says what the trainings cost and how N ranks would share the work: parameters,\n"
    "memory, FLOPs, bytes reduced, rounds and groups, efficiency, hours, the bill. It\n"
    "trains nothing and writes no file; one process on a login node is enough. With\n"
    "--run.device=cuda (no GPU is needed) also whether the trainings fit cards of 40\n"
    "and 80 GB, and which micro-batches would.\n\n"
    "  --print-config  print the effective configuration of the run and do nothing\n"
    "                  (--print-config=changed: what is not a default, and why)\n"
    "  --help [NAME]   this text, or the settings of a section\n";

DatasetInfo find_dataset(const RunConfig& config, const PlanConfig& plan) {
  if (plan.num_images) {
    check_input(*plan.num_images >= config.batch.global,
                "--images={} is less than batch.global={} (an epoch is a number of whole batches). Give {} or more.",
                *plan.num_images, config.batch.global, config.batch.global);
    return imagine_dataset(config.model, *plan.num_images);
  }
  const std::string& file = config.data.file;
  std::error_code ignored;  // check_dataset() reports why an existing file cannot be read
  check_input(
      std::filesystem::status(file, ignored).type() != std::filesystem::file_type::not_found,
      "data.file{} (a plan needs the number of training images). Name a file written by 'incubate pack', or give "
      "--images=N.",
      file.empty() ? " is missing" : "=" + file + " does not exist");
  return check_dataset(file);
}

Machine machine_of(const RunConfig& config, const PlanConfig& plan) {
  constexpr double kBytesPerGbit = 1e9 / 8;
  return {.num_ranks = *plan.num_ranks,
          .rank_flops_per_s = plan.rank_tflops.value_or(1) * 1e12,
          .network_bytes_per_s = plan.network_gbps.value_or(0) * kBytesPerGbit,
          // While the ranks' speed is unknown, seconds mean nothing.
          .round_cost_s = plan.rank_tflops ? config.run.round_cost_s : 0};
}

void print_plan(const RunConfig& config, const PlanConfig& plan) {
  validate(plan);
  const DatasetInfo data = find_dataset(config, plan);
  const std::vector<Training> trainings = list_trainings(config, data);
  const PlanReport report = make_plan_report(config, trainings, data.num_train, machine_of(config, plan));
  print_output(plan.json ? plan_to_json(report, plan) : format_plan(report, plan));
}

}  // namespace

void plan_command(const std::vector<std::string>& arguments) {
  RunConfig config;
  PlanConfig plan;
  if (read_run_arguments(arguments, kPlanHelp, config, list_settings(plan), validate_without_data_file)) {
    print_plan(config, plan);
  }
}

}  // namespace incubate
