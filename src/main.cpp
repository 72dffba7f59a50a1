#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "base/out_of_memory.h"
#include "base/process.h"
#include "base/stop_request.h"
#include "commands/commands.h"
#include "parallel/launch_check.h"
#include "parallel/mpi_session.h"

namespace incubate {
namespace {

void say(const std::string& message) { std::fprintf(stderr, "incubate: %s\n", message.c_str()); }

MemoryNeed memory_need_of(const Call& call) {
  return {.subject = call.command.empty() ? "incubate" : call.command,
          .remedy =
              "Run it where more memory is free, or with fewer ranks a node; 'incubate plan' says what trainings "
              "need."};
}

/// A call without MPI, which one task answers for all. Returns the exit status.
int answer(const Call& call) {
  try {
    if (!speaks_for_tasks(current_environment(), parent_name())) return kDone;
    explain_lack_of_memory([&call] { return memory_need_of(call); }, [&call] { run_alone(call); });
    return kDone;
  } catch (const InputError& error) {
    say(error.what());
    return kBadInput;
  } catch (const std::filesystem::filesystem_error& error) {
    say(describe(error));
    return kBadInput;
  } catch (const std::exception& error) {
    say(error.what());
    return kFailed;
  }
}

}  // namespace
}  // namespace incubate

int main(int argc, char* argv[]) {
  using namespace incubate;
  ignore_write_signals();
  const Call call = read_call({argv + 1, argv + argc});
  if (!call.needs_mpi()) return answer(call);
  if (const auto mistake = find_missing_launcher(current_environment())) {
    if (mistake->is_first) say(mistake->message);
    return kBadInput;
  }
  keep_freed_memory();
  MpiSession mpi(&argc, &argv);  // outlives every communicator below
  try {
    Log log(mpi.world().is_leader() ? Log::Level::everything : Log::Level::warnings_only,
            [](const std::string& line) { std::puts(line.c_str()); });
    return explain_lack_of_memory([&] { return memory_need_of(call); },
                                  [&] { return run_together(call, mpi.world(), log); });
  } catch (const AgreedInputError& error) {
    // Every rank knows: all finalise and leave with the same status.
    if (mpi.world().is_leader() && *error.what() != 0) say(error.what());
    return kBadInput;
  } catch (const std::exception& error) {
    mpi.abort(error);  // names rank and host; the others would wait in a collective for ever
  }
}
