#pragma once

#include <cstdint>
#include <string>

namespace incubate {

/// Makes the C library keep freed memory instead of returning it to the system. A training step allocates and frees the
/// same tensors over and over; clearing returned pages again takes a third of a small network's step. Peak memory stays
/// the same. Call it before threads start.
void keep_freed_memory();

/// Returns the most bytes that have been in memory at once of this process, libraries and whatever it maps included.
std::int64_t resident_set_peak_bytes();

/// Raises the process's limit of open files as far as the system lets it, to 65536 at most, and returns the limit.
std::uint64_t raise_open_files();

/// Returns the name of the host that this process runs on.
std::string host_name();

/// Returns a name unique among all processes that share a file system: "HOST.NAMESPACE.BOOT.PID.START". Process ids are
/// comparable only within HOST, PID NAMESPACE and BOOT. START (clock ticks since boot) tells reused ids apart. The name
/// is "HOST.PID" if /proc does not tell.
std::string process_name();

enum class ProcessState { running, ended, unknown };

/// Returns whether the process with that process_name() still runs. A zombie has ended. The state is unknown for
/// processes of other hosts, PID namespaces and boots.
ProcessState find_process(const std::string& name);

}  // namespace incubate
