#pragma once

#include <string>

namespace incubate {

/// Makes SIGINT (Ctrl-C), SIGHUP (lost terminal), SIGTERM, SIGUSR1, SIGUSR2 and SIGXCPU (processor time is used up)
/// report to find_stop_request() instead of ending the process. A second SIGINT ends it. Ignored SIGINT and SIGHUP stay
/// ignored, as under nohup.
void catch_stop_signals();

/// Makes a write to a closed pipe (SIGPIPE), or past the limit of a file's size (SIGXFSZ), fail instead of ending the
/// process: whoever reads the output may end before this process has saved.
void ignore_write_signals();

/// Returns the seconds until the Slurm job ends, from the Unix time in SLURM_JOB_END_TIME; infinity if that is unset.
/// (Slurm 22.05 does not set it: jobscripts/train.sbatch does.)
double find_job_time_left_s();

/// Returns why this process should stop soon, such as "SIGUSR1"; "" if it should not. The reason is the first signal
/// caught, or that less than `grace_s` seconds are left of the job's time.
std::string find_stop_request(double grace_s);

}  // namespace incubate
