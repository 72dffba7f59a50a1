#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "parallel/communicator.h"

namespace incubate {

/// Exit statuses.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kBadInput = 2;
inline constexpr int kStopped = 75;  ///< stopped on request, everything is saved (EX_TEMPFAIL of sysexits.h: try again)

/// Commands of all ranks. They take the arguments after the command's name and throw AgreedInputError on bad input.

/// `incubate train`: runs the whole method, or one training. Returns the exit status.
int train_command(const std::vector<std::string>& arguments, Communicator& world, Log& log);
/// `incubate pack`: writes images of other formats to one HDF5 file.
void pack_command(const std::vector<std::string>& arguments, Communicator& world, Log& log);

/// `incubate import`: writes the weights of a safetensors file as a finished training.
void import_command(const std::vector<std::string>& arguments, Communicator& world, Log& log);
/// `incubate evaluate`: prints and writes a network's figures on a set of images.
void evaluate_command(const std::vector<std::string>& arguments, Communicator& world, Log& log);
/// `incubate predict`: prints the classes of images.
void predict_command(const std::vector<std::string>& arguments, Communicator& world);

/// Print what --help or --print-config asks for. These and the functions below throw InputError on bad input.
void describe_train(const std::vector<std::string>& arguments);
void describe_pack(const std::vector<std::string>& arguments);
void describe_import(const std::vector<std::string>& arguments);
void describe_evaluate(const std::vector<std::string>& arguments);
void describe_predict(const std::vector<std::string>& arguments);

/// Commands of one process, without MPI.

/// `incubate plan`: prints the costs of the trainings and how ranks would carry them out. Trains nothing.
void plan_command(const std::vector<std::string>& arguments);
/// `incubate status`: prints for scripts how far a run is.
void status_command(const std::vector<std::string>& arguments);
/// `incubate export`: writes a finished training's weights to a safetensors file, under other programs' names.
void export_command(const std::vector<std::string>& arguments);
/// `incubate inspect`: verifies files of this program and describes them.
void inspect_command(const std::vector<std::string>& arguments);

/// The program's arguments. `help`, `-h` and no arguments become `--help`.
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
