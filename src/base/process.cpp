#include "base/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

namespace incubate {
namespace {

struct ProcessStatus {
  char state = ' ';
  std::string start;  ///< clock ticks since boot; empty if /proc does not tell
};

ProcessStatus read_status(const std::string& process) {
  std::ifstream file("/proc/" + process + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(") ");  // "PID (NAME) STATE ...", and NAME may hold anything
  if (name_end == std::string::npos) return {};
  std::istringstream fields(line.substr(name_end + 2));
  ProcessStatus status;
  fields >> status.state;
  constexpr int kFieldsBetween = 18;  // from STATE to START
  std::string skipped;
  for (int i = 0; i < kFieldsBetween; ++i) fields >> skipped;
  fields >> status.start;
  return status;
}

/// Returns the common prefix of the names of all processes that this process can look up by id. Returns "" if /proc is
/// missing or belongs to another PID namespace.
std::string own_space() {
  std::error_code error;
  if (std::filesystem::read_symlink("/proc/self", error) != std::to_string(getpid())) return "";
  const std::string space = std::filesystem::read_symlink("/proc/self/ns/pid", error).string();  // "pid:[4026531836]"
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  constexpr std::size_t kPrefix = 5;
  constexpr std::size_t kBootDigits = 8;
  if (space.size() <= kPrefix + 1 || boot.size() < kBootDigits) return "";
  return fmt::format("{}.{}.{}.", host_name(), space.substr(kPrefix, space.size() - kPrefix - 1),
                     boot.substr(0, kBootDigits));
}

}  // namespace

void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int kGrowBy = 64 << 20;  // bytes
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);  // never
  mallopt(M_TOP_PAD, kGrowBy);
#endif
}

std::int64_t resident_set_peak_bytes() {
  constexpr std::int64_t kKibibyte = 1024;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * kKibibyte;
}

std::uint64_t raise_open_files() {
  constexpr rlim_t kEnough = 65536;
  struct rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  struct rlimit raised = limit;
  raised.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, kEnough));
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  return limit.rlim_cur;
}

std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::string process_name() {
  const std::string space = own_space();
  const std::string start = read_status("self").start;
  if (space.empty() || start.empty()) return fmt::format("{}.{}", host_name(), getpid());
  return fmt::format("{}{}.{}", space, getpid(), start);
}

ProcessState find_process(const std::string& name) {
  const std::string space = own_space();
  if (space.empty() || !name.starts_with(space)) return ProcessState::unknown;
  const char* const end = name.data() + name.size();
  pid_t pid = 0;
  const auto [pid_end, error] = std::from_chars(name.data() + space.size(), end, pid);
  if (error != std::errc() || pid <= 0 || pid_end == end || *pid_end != '.') return ProcessState::unknown;
  if (kill(pid, 0) != 0 && errno == ESRCH) return ProcessState::ended;
  const ProcessStatus status = read_status(std::to_string(pid));
  if (status.start.empty()) return ProcessState::unknown;  // /proc may hide other users' processes
  const bool is_zombie = status.state == 'Z' || status.state == 'X';
  return is_zombie || status.start != std::string(pid_end + 1, end) ? ProcessState::ended : ProcessState::running;
}

}  // namespace incubate
