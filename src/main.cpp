#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "base/heap.h"
#include "base/log.h"
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
    return run_command(std::vector<std::string>(argv + 1, argv + argc), mpi.world(), log);
  } catch (const AgreedInputError& error) {
    // Every rank knows: all finalise and leave with the same status.
    if (mpi.world().is_leader() && *error.what() != 0) fmt::print(stderr, "incubate: {}\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    mpi.abort(error);  // names rank and host; the others would wait in a collective for ever
  }
}
