#include "checkpoint/lock.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <initializer_list>
#include <mutex>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/directory_lock.h"
#include "base/process.h"
#include "base/thread.h"
#include "hdf5/atomic_file.h"

namespace incubate {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kReadAgainAfter(100);

std::string environment_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Returns the Slurm job with the cluster: clusters that share a file system may use the same job numbers.
std::string slurm_job() {
  const std::string cluster = environment_variable("SLURM_CLUSTER_NAME");
  const std::string job = environment_variable("SLURM_JOB_ID");
  return cluster.empty() || job.empty() ? job : cluster + ":" + job;
}

/// Returns how often Slurm has requeued the job. A job's earlier starts have ended; two steps of one start may run side
/// by side.
std::string slurm_restart() { return environment_variable("SLURM_RESTART_COUNT"); }

/// Returns whether the fields that are present have the right types.
bool is_holder(const nlohmann::json& json) {
  const auto all = [&json](std::initializer_list<const char*> names, bool (nlohmann::json::*is_right)() const) {
    return std::ranges::all_of(names,
                               [&](const char* name) { return !json.contains(name) || (json[name].*is_right)(); });
  };
  return json.is_object() &&
         all({"token", "host", "process", "slurm_job", "slurm_restart"}, &nlohmann::json::is_string) &&
         all({"pid"}, &nlohmann::json::is_number_integer);
}

/// Returns the holder described by a lock's text; an empty object if the text is not a lock's.
nlohmann::json parse_holder(const std::string& text) {
  const nlohmann::json holder = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  return is_holder(holder) ? holder : nlohmann::json::object();
}

/// Returns a lock's text; nothing if there is no lock. Throws std::runtime_error if reading fails for `patience`.
std::optional<std::string> read_lock(const std::filesystem::path& path, std::chrono::milliseconds patience) {
  const Clock::time_point begin = Clock::now();
  while (true) {
    try {
      return read_text(path);
    } catch (const std::runtime_error&) {
      std::error_code error;
      if (!std::filesystem::exists(path, error) && !error) return std::nullopt;
      if (Clock::now() - begin >= patience) throw;
    }
    std::this_thread::sleep_for(kReadAgainAfter);
  }
}

/// Returns the holder's token; "" if there is no lock or it cannot be read now.
std::string read_token(const std::filesystem::path& path) {
  try {
    return parse_holder(read_text(path)).value("token", "");
  } catch (const std::runtime_error&) {
    return "";
  }
}

void write_holder(const std::filesystem::path& path, const std::string& token) {
  const nlohmann::json holder = {{"token", token},           {"host", host_name()},
                                 {"pid", getpid()},          {"process", process_name()},
                                 {"slurm_job", slurm_job()}, {"slurm_restart", slurm_restart()},
                                 {"heartbeat", unix_now_s()}};
  replace_text_atomically(path, holder.dump(2) + "\n");
}

/// Refreshes a lock's heartbeat until a stop is requested or another holder has the lock.
void beat(const std::stop_token& stop, const std::filesystem::path& path, const std::string& token,
          std::chrono::milliseconds every) {
  std::mutex mutex;
  std::unique_lock held(mutex);
  std::condition_variable_any stopped;
  while (!stopped.wait_for(held, stop, every, [&stop] { return stop.stop_requested(); })) {
    const std::string holder = read_token(path);
    if (holder.empty()) continue;  // the next reading may succeed
    if (holder != token) return;   // the next check_held() reports it
    try {
      write_holder(path, token);
    } catch (const std::exception&) {
      continue;  // on a full disk only the heartbeat gets old
    }
  }
}

/// Returns whether the holder's job has certainly ended.
bool has_ended(const nlohmann::json& holder) {
  const std::string job = holder.value("slurm_job", "");
  if (!job.empty() && job == slurm_job() && holder.value("slurm_restart", "") != slurm_restart()) return true;
  return find_process(holder.value("process", "")) == ProcessState::ended;
}

/// Returns text such as "process 4711 on node17".
std::string describe(const nlohmann::json& holder) {
  return fmt::format("process {} on {}", holder.value("pid", 0), holder.value("host", "?"));
}

}  // namespace

Lock::Lock(const std::filesystem::path& path, const LockOptions& options)
    : Lock(std::move(take_locks({path}, options).front())) {}

Lock::Lock(std::filesystem::path path, const LockOptions& options, const Sighting& first) : path_(std::move(path)) {
  token_ = fmt::format("{}:{}:{:.6f}", host_name(), getpid(), unix_now_s());
  bool is_first_try = true;
  while (!try_to_take(options, first)) {
    if (is_first_try) {
      options.tell(fmt::format(
          "{} says that {} works on {}, and that process cannot be seen from here. If the file does not change for "
          "{:.0f} s that job is dead, and this one goes on.",
          path_.string(), describe(parse_holder(*first.text)), options.work,
          std::chrono::duration<double>(options.stale_after).count()));
    }
    is_first_try = false;
    std::this_thread::sleep_for(options.look_every);
  }
  heart_ = start_thread("the heartbeat of " + path_.string(),
                        [path = path_, token = token_, every = options.beat_every](const std::stop_token& stop) {
                          beat(stop, path, token, every);
                        });
}

bool Lock::try_to_take(const LockOptions& options, const Sighting& first) const {
  const std::filesystem::path folder = path_.has_parent_path() ? path_.parent_path() : ".";
  const DirectoryLock alone(folder, kLockPatience);  // other processes may be taking over the same lock
  const std::optional<std::string> text = read_lock(path_, options.patience);
  if (text) {
    const nlohmann::json holder = parse_holder(*text);
    if (!has_ended(holder)) {
      const bool is_alive = text != first.text || find_process(holder.value("process", "")) == ProcessState::running;
      check_input(!is_alive, "{} says that another job works on {}: {}. Wait for it, or stop it.", path_.string(),
                  options.work, describe(holder));
      if (Clock::now() - first.at < options.stale_after) return false;
    }
  }
  write_holder(path_, token_);
  return true;
}

Lock::~Lock() {
  heart_ = std::jthread();  // stops and joins the thread
  if (path_.empty()) return;
  try {
    const std::optional<std::string> text = read_lock(path_, kLockPatience);
    if (text && parse_holder(*text).value("token", "") == token_) std::filesystem::remove(path_);
  } catch (const std::runtime_error&) {
    return;  // the lock file stays and becomes stale
  }
}

Lock::Lock(Lock&& other) noexcept
    : path_(std::exchange(other.path_, {})), token_(std::move(other.token_)), heart_(std::move(other.heart_)) {}

std::vector<Lock> take_locks(const std::vector<std::filesystem::path>& paths, const LockOptions& options) {
  std::vector<Lock> locks;
  std::vector<Lock::Sighting> first;
  for (const std::filesystem::path& path : paths) {
    try {
      first.push_back({read_lock(path, options.patience), Clock::now()});
    } catch (const std::runtime_error& error) {
      throw InputError(fmt::format("{} cannot be made: {}. {}", path.string(), error.what(), options.remedy));
    }
  }
  for (std::size_t i = 0; i < paths.size(); ++i) {
    try {
      locks.push_back(Lock(paths[i], options, first[i]));
    } catch (const InputError&) {
      throw;
    } catch (const std::runtime_error& error) {
      throw InputError(fmt::format("{} cannot be made: {}. {}", paths[i].string(), error.what(), options.remedy));
    }
  }
  return locks;
}

void check_held(const std::filesystem::path& path, const std::string& token, std::chrono::milliseconds patience) {
  const Clock::time_point begin = Clock::now();
  std::string holder = read_token(path);
  while (holder.empty() && Clock::now() - begin < patience) {
    std::this_thread::sleep_for(kReadAgainAfter);
    holder = read_token(path);
  }
  check_running(holder == token, "the lock {} now belongs to {}: another job took this training over.", path.string(),
                holder.empty() ? "nobody" : holder);
}

bool sees_lock(const std::filesystem::path& path, const std::string& token, std::chrono::milliseconds patience) {
  const Clock::time_point begin = Clock::now();
  while (read_token(path) != token) {
    if (Clock::now() - begin > patience) return false;
    std::error_code ignored;
    const std::filesystem::directory_iterator listed(path.parent_path(), ignored);  // makes NFS ask its server
    std::this_thread::sleep_for(kReadAgainAfter);
  }
  return true;
}

}  // namespace incubate
