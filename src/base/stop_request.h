#pragma once

#include <string>

namespace incubate {

/// From now on SIGINT (Ctrl-C), SIGHUP (the terminal is lost), SIGTERM, SIGUSR1 and SIGUSR2 do not end this process:
/// find_stop_request() tells of them. A second SIGINT ends it. SIGINT and SIGHUP stay ignored where they are, as nohup
/// has it. SIGPIPE is ignored: a program that reads the output may end before this process has saved.
void catch_stop_signals();

/// Returns the seconds until the end of the Slurm job, which SLURM_JOB_END_TIME states as a Unix time; infinity where
/// that is not known. (Slurm 22.05 does not set it: jobscripts/train.sbatch does.)
double find_job_time_left_s();

/// Returns why this process is to stop soon, such as "SIGUSR1"; empty if it is not. Either one of the signals above has
/// come (the first one counts), or less than `grace_s` is left of the job's time.
std::string find_stop_request(double grace_s);

}  // namespace incubate
