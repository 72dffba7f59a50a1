#pragma once

#include <string>
#include <vector>

#include "base/log.h"
#include "parallel/communicator.h"

namespace incubate {

/// Exit statuses. Bad input ends with 2, any other failure with something else.
inline constexpr int kDone = 0;
inline constexpr int kStopped = 75;  ///< on request, with everything saved (EX_TEMPFAIL of sysexits.h: try again)

/// Each command takes the arguments after its name and is called by every rank. Bad input throws AgreedInputError.

/// `incubate train`: the whole method, or one training of it. Returns the exit status.
int train_command(const std::vector<std::string>& arguments, Communicator& world, Log& log);
/// `incubate plan`: what the trainings cost and how a number of ranks would carry them out, without training anything.
void plan_command(const std::vector<std::string>& arguments, Communicator& world, Log& log);
/// `incubate pack`: images from other formats to one HDF5 file.
void pack_command(const std::vector<std::string>& arguments, Communicator& world, Log& log);

/// `incubate export`: a finished training's weights to a safetensors file under other programs' names.
void export_command(const std::vector<std::string>& arguments, Communicator& world, Log& log);
/// `incubate import`: weights of such a file as a finished training.
void import_command(const std::vector<std::string>& arguments, Communicator& world, Log& log);

/// `incubate inspect`: verifies files of this program and says what they hold.
void inspect_command(const std::vector<std::string>& arguments, Communicator& world, Log& log);

/// Runs the command that the first argument names; without one, or with --help, prints what there is. Returns the exit
/// status.
int run_command(const std::vector<std::string>& arguments, Communicator& world, Log& log);

}  // namespace incubate
