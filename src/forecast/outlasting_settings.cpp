#include "forecast/outlasting_settings.h"

#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "train/lr_schedule.h"
#include "train/weight_average.h"

namespace incubate {

std::vector<std::string> find_outlasting(const RunConfig& config, const std::vector<Training>& trainings,
                                         std::int64_t num_train) {
  constexpr double kMostOfFirst = 0.01;  // of the average
  constexpr std::int64_t kFewestRuns = 8;
  std::vector<std::string> warnings;
  std::optional<Phase> last;
  for (const Training& training : trainings) {
    if (!is_wanted(config, training) || last == training.phase) continue;  // incubations are alike
    last = training.phase;
    const std::string section = section_of(training.phase);
    const PhaseConfig& phase = config.phase(training.phase);
    const double share = share_of_first_weights(phase, training.total_steps);
    if (phase.ema_decay > 0 && share > kMostOfFirst) {
      warnings.push_back(fmt::format(
          "{0}.ema_decay={1} outlasts {2}: after its {3} steps the average, which is the result, is still {4:.0f} % "
          "first weights. Give {0}.ema_decay={5:.3g} or less, or {0}.ema_ramp=true.",
          section, phase.ema_decay, training.name, training.total_steps, 100 * share,
          std::pow(kMostOfFirst, 1 / static_cast<double>(training.total_steps))));
    }
    const LrSchedule schedule =
        make_lr_schedule(phase, config.batch.global, num_train / config.batch.global, training.total_steps);
    if (!reaches_peak(schedule)) {
      warnings.push_back(fmt::format(
          "{0}.warmup_epochs={1} outlasts {2}: its {3} steps are {4:.3g} epochs, and the learning rate ends at {5:.3g} "
          "instead of the {6:.3g} that {0}.learning_rate={7} stands for. Give fewer {0}.warmup_epochs.",
          section, phase.warmup_epochs, training.name, training.total_steps,
          static_cast<double>(training.total_steps) / static_cast<double>(schedule.steps_per_epoch),
          learning_rate_at(schedule, training.total_steps - 1), schedule.peak, phase.learning_rate));
    }
  }
  const std::int64_t runs = num_train / config.data.shuffle_block;
  if (config.data.shuffle == Shuffle::block && runs < kFewestRuns) {
    warnings.push_back(fmt::format(
        "data.shuffle_block={} leaves {} images in {} runs, whose order alone is random: an epoch is hardly shuffled. "
        "Give a smaller data.shuffle_block, or data.shuffle=global.",
        config.data.shuffle_block, num_train, runs));
  }
  return warnings;
}

}  // namespace incubate
