#include "parallel/stuck_check.h"

#include <algorithm>

#include <xxhash.h>

namespace incubate {
namespace {

constexpr int kTag = 1;

/// Names an operation in a message; not 0, which is none.
std::uint64_t key_of(const std::string& what) {
  return std::max<std::uint64_t>(XXH3_64bits(what.data(), what.size()), 1);
}

}  // namespace

StuckCheck::StuckCheck(const Communicator& communicator)
    : communicator_(communicator), waits_(communicator.is_leader() ? communicator.size() : 0) {
  check_mpi(MPI_Comm_dup(communicator.get(), &comm_), "MPI_Comm_dup");
}

// A message that nobody will hear any more is MPI's to drop.
StuckCheck::~StuckCheck() {
  if (telling_ != MPI_REQUEST_NULL) MPI_Request_free(&telling_);
  MPI_Comm_free(&comm_);
}

bool StuckCheck::is_stuck(const std::string& what) {
  const std::uint64_t key = key_of(what);
  if (communicator_.is_leader()) {
    hear();
    waits_[0] = key;
    return std::ranges::all_of(waits_, [key](std::uint64_t told) { return told == key; });
  }
  int is_sent = 0;
  check_mpi(MPI_Test(&telling_, &is_sent, MPI_STATUS_IGNORE), what);
  if (is_sent != 0 && told_ != key) {
    told_ = key;
    check_mpi(MPI_Isend(&told_, 1, MPI_UINT64_T, 0, kTag, comm_, &telling_), what);
  }
  return false;
}

void StuckCheck::hear() {
  while (true) {
    int arrived = 0;
    MPI_Status status;
    check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, kTag, comm_, &arrived, &status), "asking who waits");
    if (arrived == 0) return;
    check_mpi(MPI_Recv(&waits_[status.MPI_SOURCE], 1, MPI_UINT64_T, status.MPI_SOURCE, kTag, comm_, MPI_STATUS_IGNORE),
              "hearing who waits");
  }
}

}  // namespace incubate
