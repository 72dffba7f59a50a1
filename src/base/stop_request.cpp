#include "base/stop_request.h"

#include <array>
#include <csignal>
#include <cstdlib>
#include <limits>

#include "base/clock.h"

namespace incubate {
namespace {

struct StopSignal {
  int number;
  const char* name;
  bool stays_ignored = false;  // if it is ignored when this process starts
};
constexpr std::array kStopSignals = {StopSignal{SIGINT, "SIGINT", true}, StopSignal{SIGHUP, "SIGHUP", true},
                                     StopSignal{SIGTERM, "SIGTERM"},     StopSignal{SIGUSR1, "SIGUSR1"},
                                     StopSignal{SIGUSR2, "SIGUSR2"},     StopSignal{SIGXCPU, "SIGXCPU"}};

volatile std::sig_atomic_t caught_signal = 0;

void note_signal(int number) {
  if (caught_signal == 0) caught_signal = number;
}

}  // namespace

void catch_stop_signals() {
  for (const StopSignal& signal : kStopSignals) {
    struct sigaction before = {};
    sigaction(signal.number, nullptr, &before);
    if (signal.stays_ignored && before.sa_handler == SIG_IGN) continue;
    struct sigaction action = {};
    action.sa_handler = note_signal;
    action.sa_flags = SA_RESTART;
    if (signal.number == SIGINT) action.sa_flags |= SA_RESETHAND;  // a second one ends the process
    sigaction(signal.number, &action, nullptr);
  }
}

void ignore_write_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

double find_job_time_left_s() {
  const char* end_time = std::getenv("SLURM_JOB_END_TIME");
  const double end_s = end_time == nullptr ? 0 : std::atof(end_time);
  return end_s > 0 ? end_s - unix_now_s() : std::numeric_limits<double>::infinity();
}

std::string find_stop_request(double grace_s) {
  for (const StopSignal& signal : kStopSignals) {
    if (caught_signal == signal.number) return signal.name;
  }
  return find_job_time_left_s() < grace_s ? "the end of the job's time" : "";
}

}  // namespace incubate
