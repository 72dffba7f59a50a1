#include "base/stop_request.h"

#include <array>
#include <csignal>
#include <cstdlib>

#include "base/unix_time.h"

namespace incubate {
namespace {

struct StopSignal {
  int number;
  const char* name;
};
constexpr std::array kStopSignals = {StopSignal{SIGTERM, "SIGTERM"}, StopSignal{SIGUSR1, "SIGUSR1"},
                                     StopSignal{SIGUSR2, "SIGUSR2"}};

volatile std::sig_atomic_t caught_signal = 0;

void note_signal(int number) { caught_signal = number; }

}  // namespace

void catch_stop_signals() {
  for (const StopSignal& signal : kStopSignals) {
    struct sigaction action = {};
    action.sa_handler = note_signal;
    action.sa_flags = SA_RESTART;
    sigaction(signal.number, &action, nullptr);
  }
}

std::string find_stop_request(double grace_s) {
  for (const StopSignal& signal : kStopSignals) {
    if (caught_signal == signal.number) return signal.name;
  }
  const char* end_time = std::getenv("SLURM_JOB_END_TIME");
  const double end_s = end_time == nullptr ? 0 : std::atof(end_time);
  return end_s > 0 && unix_now_s() > end_s - grace_s ? "the end of the job's time" : "";
}

}  // namespace incubate
