#include "checkpoint/lock.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/check.h"
#include "base/host_name.h"
#include "base/unix_time.h"
#include "hdf5/atomic_file.h"

namespace incubate {
namespace {

constexpr double kStaleAfter_s = 60;
constexpr std::chrono::seconds kBeatEvery(10);

std::string environment_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string slurm_job() { return environment_variable("SLURM_JOB_ID"); }

/// How often Slurm has requeued the job: of a job's start before this one nothing is left. Two steps of one start may
/// well run side by side.
std::string slurm_restart() { return environment_variable("SLURM_RESTART_COUNT"); }

/// Whether what there is of a holder is of the right type.
bool is_holder(const nlohmann::json& json) {
  const auto all = [&json](std::initializer_list<const char*> names, bool (nlohmann::json::*is_right)() const) {
    return std::ranges::all_of(names,
                               [&](const char* name) { return !json.contains(name) || (json[name].*is_right)(); });
  };
  return json.is_object() && all({"token", "host", "slurm_job", "slurm_restart"}, &nlohmann::json::is_string) &&
         all({"pid"}, &nlohmann::json::is_number_integer) && all({"heartbeat"}, &nlohmann::json::is_number);
}

/// The holder of a lock; an empty object if the file is gone or unreadable.
nlohmann::json read_holder(const std::filesystem::path& path) {
  try {
    nlohmann::json holder = nlohmann::json::parse(read_text(path));
    return is_holder(holder) ? holder : nlohmann::json::object();
  } catch (const std::exception&) {
    return nlohmann::json::object();
  }
}

/// Whether a process of this host runs; a zombie, dead but not yet waited for, does not.
bool is_running(pid_t pid) {
  if (pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH)) return false;
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(") ");  // "PID (NAME) STATE ...", and NAME may hold anything
  if (name_end == std::string::npos) return true;
  const char state = line[name_end + 2];
  return state != 'Z' && state != 'X';
}

/// What a process writes before it puts it in the lock's place: "<lock>.<host>.<pid>".
std::filesystem::path draft_of(const std::filesystem::path& path) {
  return fmt::format("{}.{}.{}", path.string(), host_name(), getpid());
}

void write_holder(const std::filesystem::path& path, const std::string& token) {
  const nlohmann::json holder = {{"token", token},
                                 {"host", host_name()},
                                 {"pid", getpid()},
                                 {"slurm_job", slurm_job()},
                                 {"slurm_restart", slurm_restart()},
                                 {"heartbeat", unix_now_s()}};
  replace_text_atomically(path, holder.dump(2) + "\n");
}

/// Overwrites a lock that is there.
void replace_holder(const std::filesystem::path& path, const std::string& token) {
  write_holder(draft_of(path), token);
  std::filesystem::rename(draft_of(path), path);
}

/// Whether `suffix`, what a draft's name has beyond its lock's, says that its process of this host is gone.
bool is_of_dead_process(std::string suffix) {
  if (suffix.ends_with(".tmp")) suffix.resize(suffix.size() - 4);
  const std::string mine = "." + host_name() + ".";
  if (!suffix.starts_with(mine)) return false;
  const std::string digits = suffix.substr(mine.size());
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), pid);
  return error == std::errc() && end == digits.data() + digits.size() && !is_running(pid);
}

/// Those that killed processes left; of other hosts, once they are as old as a lock that may be taken over.
void remove_dead_drafts(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::error_code ignored;
  std::vector<std::filesystem::path> dead;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string other = entry.path().filename().string();
    if (!other.starts_with(name + ".")) continue;
    const auto written = entry.last_write_time(ignored);
    const bool is_old = !ignored && std::filesystem::file_time_type::clock::now() - written >
                                        std::chrono::duration<double>(kStaleAfter_s);
    if (is_old || is_of_dead_process(other.substr(name.size()))) dead.push_back(entry.path());
  }
  for (const std::filesystem::path& draft : dead) std::filesystem::remove(draft, ignored);
}

/// Refreshes the heartbeat of a lock until it is asked to stop or the lock is another's.
void beat(const std::stop_token& stop, const std::filesystem::path& path, const std::string& token) {
  std::mutex mutex;
  std::unique_lock held(mutex);
  std::condition_variable_any stopped;
  while (!stopped.wait_for(held, stop, kBeatEvery, [&stop] { return stop.stop_requested(); })) {
    if (read_holder(path).value("token", "") != token) return;  // the next check_held() says so
    try {
      replace_holder(path, token);
    } catch (const std::exception&) {
      continue;  // a full disk: an old heartbeat is all that comes of it
    }
  }
}

bool may_take_over(const nlohmann::json& holder) {
  const std::string job = holder.value("slurm_job", "");
  if (!job.empty() && job == slurm_job() && holder.value("slurm_restart", "") != slurm_restart()) return true;
  if (holder.value("host", "") == host_name() && !is_running(static_cast<pid_t>(holder.value("pid", 0)))) return true;
  return unix_now_s() - holder.value("heartbeat", 0.0) > kStaleAfter_s;
}

}  // namespace

Lock::Lock(std::filesystem::path path, const Words& words) : path_(std::move(path)) {
  token_ = fmt::format("{}:{}:{:.6f}", host_name(), getpid(), unix_now_s());
  // Written beside its place and linked there: a lock is never seen empty, and only one of two can take a free one.
  const std::filesystem::path draft = draft_of(path_);
  try {
    write_holder(draft, token_);
  } catch (const std::runtime_error& error) {
    throw InputError(fmt::format("{} cannot be made: {}. {}", path_.string(), error.what(), words.remedy));
  }
  const int status = ::link(draft.c_str(), path_.c_str());
  const int reason = errno;
  std::error_code ignored;
  std::filesystem::remove(draft, ignored);
  if (status != 0) {
    check_input(reason == EEXIST, "{} cannot be made: {}. {}", path_.string(), std::strerror(reason), words.remedy);
    const nlohmann::json holder = read_holder(path_);
    check_input(may_take_over(holder),
                "{} says that another job works on {}: process {} on {}, {:.0f} s ago. Wait for it, or stop it.",
                path_.string(), words.work, holder.value("pid", 0), holder.value("host", "?"),
                unix_now_s() - holder.value("heartbeat", 0.0));
    replace_holder(path_, token_);
  }
  remove_dead_drafts(path_);
  heart_ = std::jthread([path = path_, token = token_](const std::stop_token& stop) { beat(stop, path, token); });
}

Lock::~Lock() {
  heart_ = std::jthread();  // stops and joins
  if (path_.empty() || read_holder(path_).value("token", "") != token_) return;
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

Lock::Lock(Lock&& other) noexcept
    : path_(std::exchange(other.path_, {})), token_(std::move(other.token_)), heart_(std::move(other.heart_)) {}

void check_held(const std::filesystem::path& path, const std::string& token) {
  const std::string holder = read_holder(path).value("token", "nobody");
  check_running(holder == token, "the lock {} now belongs to {}: another job took this training over.", path.string(),
                holder);
}

}  // namespace incubate
