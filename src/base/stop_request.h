#pragma once

#include <string>

namespace incubate {

/// From now on SIGTERM, SIGUSR1 and SIGUSR2 do not end this process: find_stop_request() tells of them.
void catch_stop_signals();

/// Why this process is to stop soon, such as "SIGUSR1"; empty if it is not. Either one of the signals above has come, or
/// less than `grace_s` is left of the job's time: until SLURM_JOB_END_TIME, a Unix time. (Slurm 22.05 does not set it:
/// jobscripts/train.sbatch does.)
std::string find_stop_request(double grace_s);

}  // namespace incubate
