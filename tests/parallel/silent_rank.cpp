#include <csignal>

#include "parallel/mpi_session.h"

/// Rank 1 stops for ever while the others wait for it: the job must end with its name. See silent_rank.sh.
int main(int argc, char** argv) {
  using namespace incubate;
  MpiSession mpi(&argc, &argv);
  try {
    mpi.world().set_timeout(2);
    mpi.world().barrier("the first barrier");
    if (mpi.world().rank() == 1) std::raise(SIGSTOP);
    mpi.world().barrier("the second barrier");
  } catch (const std::exception& error) {
    mpi.abort(error);
  }
}
