#include "checkpoint/lock.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/check.h"
#include "hdf5/atomic_file.h"

namespace incubate {
namespace {

constexpr double kStaleAfter_s = 60;
constexpr double kBeatEvery_s = 10;

double now_s() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string host_name() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::string slurm_job() {
  const char* job = std::getenv("SLURM_JOB_ID");
  return job == nullptr ? "" : job;
}

/// The holder of a lock; an empty object if the file is gone or unreadable.
nlohmann::json read_holder(const std::filesystem::path& path) {
  try {
    nlohmann::json holder = nlohmann::json::parse(read_text(path));
    return holder.is_object() ? holder : nlohmann::json::object();
  } catch (const std::exception&) {
    return nlohmann::json::object();
  }
}

bool may_take_over(const nlohmann::json& holder) {
  const std::string job = holder.value("slurm_job", "");
  if (!job.empty() && job == slurm_job()) return true;
  if (holder.value("host", "") == host_name()) {
    const auto pid = static_cast<pid_t>(holder.value("pid", 0));
    if (pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH)) return true;
  }
  return now_s() - holder.value("heartbeat", 0.0) > kStaleAfter_s;
}

}  // namespace

Lock::Lock(std::filesystem::path path) : path_(std::move(path)) {
  token_ = fmt::format("{}:{}:{:.6f}", host_name(), getpid(), now_s());
  const int descriptor = ::open(path_.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0644);
  if (descriptor >= 0) {
    ::close(descriptor);
  } else {
    check_input(errno == EEXIST, "{} cannot be made: {}. Choose another run.directory.", path_.string(),
                std::strerror(errno));
    const nlohmann::json holder = read_holder(path_);
    check_input(may_take_over(holder),
                "{} says that another job works on this training: process {} on {}, {:.0f} s ago. Wait for it, or stop it.",
                path_.string(), holder.value("pid", 0), holder.value("host", "?"),
                now_s() - holder.value("heartbeat", 0.0));
  }
  write();
}

Lock::~Lock() {
  if (path_.empty() || read_holder(path_).value("token", "") != token_) return;
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

Lock::Lock(Lock&& other) noexcept
    : path_(std::exchange(other.path_, {})), token_(std::move(other.token_)), since_beat_(other.since_beat_) {}

void Lock::beat() {
  if (since_beat_.elapsed_s() < kBeatEvery_s) return;
  check_held(path_, token_);
  write();
  since_beat_.restart();
}

void Lock::write() const {
  const nlohmann::json holder = {{"token", token_},         {"host", host_name()},  {"pid", getpid()},
                                 {"slurm_job", slurm_job()}, {"heartbeat", now_s()}};
  replace_text_atomically(path_, holder.dump(2) + "\n");
}

void check_held(const std::filesystem::path& path, const std::string& token) {
  const std::string holder = read_holder(path).value("token", "nobody");
  check_running(holder == token, "the lock {} now belongs to {}: another job took this training over.", path.string(),
                holder);
}

}  // namespace incubate
