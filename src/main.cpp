#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "base/heap.h"
#include "base/log.h"
#include "base/out_of_memory.h"
#include "commands/commands.h"
#include "parallel/launcher.h"
#include "parallel/mpi_session.h"

int main(int argc, char* argv[]) {
  using namespace incubate;
  if (const auto mistake = find_missing_launcher(current_environment())) {
    if (mistake->is_first) fmt::print(stderr, "incubate: {}\n", mistake->message);
    return 2;
  }
  keep_freed_memory();
  MpiSession mpi(&argc, &argv);  // outlives every communicator below
  try {
    Log log(mpi.world().is_leader() ? Log::Level::everything : Log::Level::warnings_only,
            [](const std::string& line) { fmt::print("{}\n", line); });
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    return explain_lack_of_memory(
        [&] {
          return MemoryNeed{.subject = arguments.empty() ? "incubate" : arguments.front(),
                            .remedy =
                                "Run it where more memory is free, or with fewer ranks a node; 'incubate plan' "
                                "says what trainings need."};
        },
        [&] { return run_command(arguments, mpi.world(), log); });
  } catch (const AgreedInputError& error) {
    // Every rank knows: all finalise and leave with the same status.
    if (mpi.world().is_leader() && *error.what() != 0) fmt::print(stderr, "incubate: {}\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    mpi.abort(error);  // names rank and host; the others would wait in a collective for ever
  }
}
