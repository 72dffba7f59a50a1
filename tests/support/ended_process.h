#pragma once

#include <stdexcept>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"

namespace incubate {

struct Child {
  pid_t pid = 0;
  std::string name;  ///< its process_name()
};

/// Starts a child process that ends at once. The child stays a zombie until somebody waits for it.
inline Child start_child() {
  int ends[2];  // of a pipe: read end, write end
  if (pipe(ends) != 0) throw std::runtime_error("no pipe");
  const pid_t pid = fork();
  if (pid == 0) {
    const std::string name = process_name();
    _exit(write(ends[1], name.data(), name.size()) == static_cast<ssize_t>(name.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string name(256, '\0');
  const ssize_t length = read(ends[0], name.data(), name.size());
  close(ends[0]);
  if (length <= 0) throw std::runtime_error("the child has not told its name");
  siginfo_t info;
  waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
  return {pid, name.substr(0, length)};
}

/// Returns the process_name() of a process that has ended and is gone.
inline std::string ended_process_name() {
  const Child child = start_child();
  waitpid(child.pid, nullptr, 0);
  return child.name;
}

}  // namespace incubate
