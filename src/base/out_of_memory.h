#pragma once

#include <exception>
#include <functional>
#include <stdexcept>
#include <string>

namespace incubate {

/// There was not enough memory. what() is a sentence for the user, with a remedy.
class OutOfMemoryError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Whether a library's message says that it could not allocate memory: LibTorch's (of the host or a GPU), those of
/// cuBLAS, cuDNN, NCCL, HDF5, libjpeg, libpng and MPI, or the system's.
bool says_out_of_memory(const std::string& message);

/// Whether `error` is a failed allocation: of C++, or one that says so. Not for OutOfMemoryError.
bool is_out_of_memory(const std::exception& error);

/// Describes work that failed for lack of memory.
struct MemoryNeed {
  std::string subject;      ///< such as "meta"
  std::string needed = {};  ///< such as "each rank needs about 138 GB"; empty: not known
  std::string remedy;       ///< a sentence
};

/// One line of it and of what `error` says about the allocation.
OutOfMemoryError describe_lack(const MemoryNeed& need, const std::exception& error);

/// Returns what `work()` returns; an error that is_out_of_memory() becomes an OutOfMemoryError about `need()`.
template <typename Work>
auto explain_lack_of_memory(const std::function<MemoryNeed()>& need, const Work& work) {
  try {
    return work();
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error)) throw;
    throw describe_lack(need(), error);
  }
}

}  // namespace incubate
