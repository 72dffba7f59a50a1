#pragma once

#include <exception>
#include <memory>
#include <string>

#include "parallel/communicator.h"

namespace incubate {

/// MPI from its start to its end. Make it first in main: it outlives every communicator. MPI calls are for the main
/// thread.
class MpiSession {
 public:
  MpiSession(int* argc, char*** argv);
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  Communicator& world() { return *world_; }

  /// Prints `error` with rank and host and ends all ranks: the others would wait for this one for ever.
  [[noreturn]] void abort(const std::exception& error);

 private:
  std::unique_ptr<Communicator> world_;
};

/// Such as "Open MPI v4.1.4".
std::string mpi_library_version();

}  // namespace incubate
