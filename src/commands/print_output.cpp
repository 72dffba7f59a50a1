#include "commands/print_output.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/check.h"

namespace incubate {

void print_output(const std::string& text) {
  const bool is_written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  if (!is_written && errno == EPIPE) {  // the reader, such as head, has had enough: end as other programs do
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  check_running(is_written, "standard output cannot be written: {}. Free space there, or send it elsewhere.",
                std::strerror(errno));
}

}  // namespace incubate
