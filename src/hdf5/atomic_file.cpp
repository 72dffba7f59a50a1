#include "hdf5/atomic_file.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/process.h"

namespace incubate {
namespace {

constexpr std::string_view kDraftEnd = ".incubate.tmp";

/// Owns the descriptor of an open file or directory.
class Descriptor {
 public:
  Descriptor(const FilePath& path, int flags) : value_(::open(path.c_str(), flags | O_CLOEXEC)) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int value() const { return value_; }

 private:
  int value_;
};

void sync(const Descriptor& descriptor, const FilePath& path) {
  check_running(descriptor.value() >= 0, "cannot open {} to sync it: {}", path.string(), std::strerror(errno));
  if (TEMP_FAILURE_RETRY(::fsync(descriptor.value())) == 0) return;
  // Some file systems sync only files, or nothing.
  const bool is_unsupported = errno == EINVAL || errno == ENOTSUP || errno == ENOSYS;
  check_running(is_unsupported, "cannot sync {}: {}", path.string(), std::strerror(errno));
}

FilePath folder_of(const FilePath& path) { return path.has_parent_path() ? path.parent_path() : FilePath("."); }

/// Returns whether `path` names the file behind the descriptor.
bool is_at(const FilePath& path, const Descriptor& descriptor) {
  struct stat there = {};
  struct stat here = {};
  return ::stat(path.c_str(), &there) == 0 && ::fstat(descriptor.value(), &here) == 0 && there.st_dev == here.st_dev &&
         there.st_ino == here.st_ino;
}

void commit(const FilePath& draft, const FilePath& path, const std::function<void()>& before_rename) {
  const Descriptor file(draft, O_RDWR);
  sync(file, draft);
  if (before_rename) before_rename();
  if (std::rename(draft.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    // NFS repeats a request whose reply was lost, and then finds the draft already renamed.
    check_running(reason == ENOENT && is_at(path, file), "cannot rename {} to {}: {}", draft.string(), path.string(),
                  std::strerror(reason));
  }
  const FilePath folder = folder_of(path);
  const Descriptor opened(folder, O_RDONLY | O_DIRECTORY);
  if (opened.value() < 0 && errno == EACCES) return;  // a directory may be writable but not listable
  sync(opened, folder);
}

/// Returns the files in `folder` whose names begin with `prefix` and end with `suffix`. Skips entries it cannot read.
std::vector<FilePath> list_files(const FilePath& folder, std::string_view prefix, std::string_view suffix) {
  std::vector<FilePath> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(prefix) && name.ends_with(suffix)) files.push_back(entry->path());
  }
  return files;
}

/// Returns whether the process that made a draft still runs. A draft's name is "NAME.PROCESS.RANDOM.incubate.tmp".
ProcessState find_writer(const FilePath& draft) {
  std::string name = draft.filename().string();
  name.resize(name.size() - kDraftEnd.size());
  name.resize(std::min(name.size(), name.rfind('.')));
  ProcessState state = ProcessState::unknown;
  // NAME and PROCESS may both contain dots, so every split is tried.
  for (std::size_t dot = name.find('.'); state == ProcessState::unknown && dot != std::string::npos;
       dot = name.find('.', dot + 1)) {
    state = find_process(name.substr(dot + 1));
  }
  return state;
}

bool is_stale(const FilePath& draft) {
  using Clock = std::filesystem::file_time_type::clock;
  const ProcessState state = find_writer(draft);
  if (state != ProcessState::unknown) return state == ProcessState::ended;
  std::error_code error;
  const auto written = std::filesystem::last_write_time(draft, error);
  return !error && Clock::now() - written > std::chrono::days(1);
}

}  // namespace

FilePath draft_of(const FilePath& path) {
  constexpr std::size_t kMostBytes = 255;  // longest file name that file systems allow
  const std::string end = fmt::format(".{}.{:08x}{}", process_name(), std::random_device()(), kDraftEnd);
  std::string name = path.filename().string();
  name.resize(std::min(name.size(), kMostBytes - end.size()));
  return path.parent_path() / (name + end);
}

void replace_atomically(const FilePath& path, const std::function<void(const FilePath& draft)>& write,
                        const std::function<void()>& before_rename) {
  remove_stale_drafts(folder_of(path));
  const FilePath draft = draft_of(path);
  try {
    write(draft);
    commit(draft, path, before_rename);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(draft, ignored);
    throw;
  }
}

void remove_stale_drafts(const FilePath& folder) {
  std::error_code ignored;
  for (const FilePath& draft : list_files(folder, "", kDraftEnd)) {
    if (is_stale(draft)) std::filesystem::remove(draft, ignored);
  }
}

void remove_drafts(const FilePath& folder, std::string_view prefix) {
  std::error_code ignored;
  for (const FilePath& draft : list_files(folder, prefix, ".tmp")) std::filesystem::remove(draft, ignored);
}

void replace_text_atomically(const FilePath& path, std::string_view text) {
  replace_atomically(path, [&](const FilePath& draft) {
    std::ofstream file(draft, std::ios::binary);
    file << text;
    file.flush();
    check_running(file.good(), "cannot write {}: {}", path.string(), std::strerror(errno));
  });
}

std::string read_text(const FilePath& path) {
  std::ifstream file(path, std::ios::binary);
  check_running(file.good(), "cannot read {}: {}", path.string(), std::strerror(errno));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace incubate
