#pragma once

#include <string>

namespace incubate {

/// Names this process among all that share a file system: "HOST.NAMESPACE.BOOT.PID.START". Process ids are comparable
/// within HOST, PID NAMESPACE and BOOT only. START, in clock ticks since the boot, tells processes of one id apart.
/// The name is "HOST.PID" if /proc does not tell.
std::string process_name();

enum class ProcessState { running, ended, unknown };

/// Returns what has become of the process with that process_name(). It is unknown for processes of other hosts, PID
/// namespaces and boots. A zombie has ended.
ProcessState find_process(const std::string& name);

}  // namespace incubate
