#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "parallel/communicator.h"

namespace incubate {

/// Exit statuses. Bad input ends with 2, any other failure with something else.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kBadInput = 2;
inline constexpr int kStopped = 75;  ///< on request, with everything saved (EX_TEMPFAIL of sysexits.h: try again)

/// Commands of all ranks: each takes the arguments after its name and is called by every rank. Bad input throws
/// AgreedInputError.

/// `incubate train`: the whole method, or one training of it. Returns the exit status.
int train_command(const std::vector<std::string>& arguments, Communicator& world, Log& log);
/// `incubate pack`: images from other formats to one HDF5 file.
void pack_command(const std::vector<std::string>& arguments, Communicator& world, Log& log);

/// `incubate import`: weights of a safetensors file as a finished training.
void import_command(const std::vector<std::string>& arguments, Communicator& world, Log& log);

/// Print what --help or --print-config asks of these commands. Bad input throws InputError, as below.
void describe_train(const std::vector<std::string>& arguments);
void describe_pack(const std::vector<std::string>& arguments);
void describe_import(const std::vector<std::string>& arguments);

/// Commands of one process, without MPI.

/// `incubate plan`: what the trainings cost and how a number of ranks would carry them out, without training anything.
void plan_command(const std::vector<std::string>& arguments);
/// `incubate export`: a finished training's weights to a safetensors file under other programs' names.
void export_command(const std::vector<std::string>& arguments);
/// `incubate inspect`: verifies files of this program and says what they hold.
void inspect_command(const std::vector<std::string>& arguments);

/// The program's arguments, with `help`, `-h` and none at all as `--help`.
struct Call {
  std::string command;
  std::vector<std::string> arguments;

  bool needs_mpi() const;
};
Call read_call(const std::vector<std::string>& arguments);

/// Runs a call that needs no MPI. Throws InputError on bad input, such as an unknown command.
void run_alone(const Call& call);
/// Runs a call that needs MPI, on every rank. Returns the exit status.
int run_together(const Call& call, Communicator& world, Log& log);

}  // namespace incubate
