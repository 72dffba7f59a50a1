#pragma once

#include <string>

namespace incubate {

/// Returns a name unique among all processes that share a file system: "HOST.NAMESPACE.BOOT.PID.START". Process ids are
/// comparable only within HOST, PID NAMESPACE and BOOT. START (clock ticks since boot) tells reused ids apart. The name
/// is "HOST.PID" if /proc does not tell.
std::string process_name();

enum class ProcessState { running, ended, unknown };

/// Returns whether the process with that process_name() still runs. A zombie has ended. The state is unknown for
/// processes of other hosts, PID namespaces and boots.
ProcessState find_process(const std::string& name);

}  // namespace incubate
