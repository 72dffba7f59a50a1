#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <mpi.h>

#include "parallel/communicator.h"

namespace incubate {

/// Tells an operation that is stuck from one that waits for a late rank: it is stuck when every rank of the group has
/// waited in it for a while, with its own part done. Messages go by MPI, whatever carries the operation.
class StuckCheck {
 public:
  /// Collective over `communicator`, which must outlive it.
  explicit StuckCheck(const Communicator& communicator);
  ~StuckCheck();
  StuckCheck(const StuckCheck&) = delete;
  StuckCheck& operator=(const StuckCheck&) = delete;

  /// Called again and again by a rank that has waited in `what`, its own part done, for longer than is usual. Tells
  /// the leader so, once. Of the leader: whether all ranks have told the same; false on others. Does not wait.
  bool is_stuck(const std::string& what);

 private:
  void hear();

  const Communicator& communicator_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  std::vector<std::uint64_t> waits_;  // on the leader, by rank: the last operation it told of
  std::uint64_t told_ = 0;
  MPI_Request telling_ = MPI_REQUEST_NULL;
};

}  // namespace incubate
