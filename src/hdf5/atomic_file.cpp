#include "hdf5/atomic_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <unistd.h>

#include "base/check.h"

namespace incubate {
namespace {

void sync(const FilePath& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags);
  check_running(descriptor >= 0, "cannot open {} to sync it: {}", path.string(), std::strerror(errno));
  const int status = ::fsync(descriptor);
  const int reason = errno;
  ::close(descriptor);
  check_running(status == 0, "cannot sync {}: {}", path.string(), std::strerror(reason));
}

}  // namespace

void replace_atomically(const FilePath& path, const std::function<void(const FilePath& temporary)>& write,
                        const std::function<void()>& before_rename) {
  const FilePath temporary = path.string() + ".tmp";
  try {
    write(temporary);
    sync(temporary, O_RDWR);
    if (before_rename) before_rename();
    std::filesystem::rename(temporary, path);
    sync(path.has_parent_path() ? path.parent_path() : FilePath("."), O_RDONLY | O_DIRECTORY);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw;
  }
}

void replace_text_atomically(const FilePath& path, std::string_view text) {
  replace_atomically(path, [&](const FilePath& temporary) {
    std::ofstream file(temporary, std::ios::binary);
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
