// Preloaded into the program by tests/run/test_mpi_calls.py, which builds this as a library: it writes down
// what the ranks ask of MPI. In the folder PROBE:
//   reductions.RANK   the number of elements of every all-reduce of the rank, a line each
//   shares.RANK       the bytes of every part of a share that it sends to another rank, a line each
//   aborted.RANK      the rank has called MPI_Abort; it then waits to be killed, and no other rank is ended by it
#include <cstdlib>
#include <fstream>
#include <string>

#include <mpi.h>
#include <unistd.h>

namespace {

std::ofstream append_to(const std::string& name) {
  int rank = 0;
  PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return std::ofstream(std::getenv("PROBE") + ("/" + name) + "." + std::to_string(rank), std::ios::app);
}

constexpr int kShareTag = 100;  // communicator.cpp's

}  // namespace

extern "C" {

int MPI_Isend(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request* request) {
  if (tag == kShareTag) append_to("shares") << count << '\n';
  return PMPI_Isend(data, count, type, to, tag, comm, request);
}

int MPI_Iallreduce(const void* send, void* receive, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm,
                   MPI_Request* request) {
  append_to("reductions") << count << '\n';
  return PMPI_Iallreduce(send, receive, count, type, op, comm, request);
}

int MPI_Allreduce(const void* send, void* receive, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  append_to("reductions") << count << '\n';
  return PMPI_Allreduce(send, receive, count, type, op, comm);
}

int MPI_Abort(MPI_Comm /*comm*/, int code) {
  append_to("aborted") << code << '\n';
  while (true) pause();
}

}  // extern "C"
