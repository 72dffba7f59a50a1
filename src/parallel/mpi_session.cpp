#include "parallel/mpi_session.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace incubate {

MpiSession::MpiSession(int* argc, char*** argv) {
  int provided = 0;
  MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided);
  // Errors come back as codes, which check_mpi turns into exceptions; split communicators inherit this.
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  world_ = std::make_unique<Communicator>(MPI_COMM_WORLD);
}

MpiSession::~MpiSession() {
  world_.reset();
  MPI_Finalize();
}

void MpiSession::abort(const std::exception& error) {
  if (dynamic_cast<const PeerFailure*>(&error) != nullptr) {
    // The peer that knows the reason is about to end the job; this rank must not do so before its message is out.
    std::this_thread::sleep_for(std::chrono::seconds(5));
  } else {
    std::fprintf(stderr, "incubate: %s: %s\n", world_->member_name(world_->rank()).c_str(), error.what());
    std::fflush(nullptr);
    // A last report to rank 0 may be on its way.
    if (!world_->is_leader()) std::this_thread::sleep_for(std::chrono::seconds(2));
  }
  MPI_Abort(MPI_COMM_WORLD, 1);
  std::abort();
}

std::string mpi_library_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  const std::string version(text.data(), length);
  return version.substr(0, version.find_first_of(",\n"));  // the rest says who built it, and where
}

}  // namespace incubate
