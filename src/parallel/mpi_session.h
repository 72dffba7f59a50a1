#pragma once

#include <exception>
#include <memory>
#include <string>

#include "parallel/communicator.h"

namespace incubate {

/// Owns MPI from start to end. Create it first in main: it must outlive every communicator. Only the main thread may
/// call MPI.
class MpiSession {
 public:
  MpiSession(int* argc, char*** argv);
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  Communicator& world() { return *world_; }

  /// Prints `error` with rank and host and ends all ranks; other ranks would wait for this one for ever.
  [[noreturn]] void abort(const std::exception& error);

 private:
  std::unique_ptr<Communicator> world_;
};

/// Returns a version such as "Open MPI v4.1.4".
std::string mpi_library_version();

}  // namespace incubate
