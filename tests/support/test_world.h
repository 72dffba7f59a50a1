#pragma once

#include "parallel/communicator.h"

namespace incubate {

/// Returns the communicator of all ranks of the MPI test program, which run the same tests in the same order.
Communicator& test_world();

}  // namespace incubate
