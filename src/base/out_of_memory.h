#pragma once

#include <exception>
#include <functional>
#include <stdexcept>
#include <string>

namespace incubate {

/// An allocation failed for lack of memory. what() is a sentence for the user, with a remedy.
class OutOfMemoryError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Returns whether a library's message reports a failed allocation: LibTorch (host or GPU), cuBLAS, cuDNN, NCCL, HDF5,
/// libjpeg, libpng, MPI or the system.
bool says_out_of_memory(const std::string& message);

/// Returns whether `error` is a failed allocation: std::bad_alloc, std::length_error, or a message that says so. False
/// for OutOfMemoryError and InputError.
bool is_out_of_memory(const std::exception& error);

/// Message parts for the user when some work runs out of memory.
struct MemoryNeed {
  std::string subject;      ///< such as "meta"
  std::string needed = {};  ///< such as "each rank needs about 138 GB"; empty: unknown
  std::string remedy;       ///< a sentence
};

/// Returns an error of one line with `need` and the part of `error` about the allocation.
OutOfMemoryError describe_lack(const MemoryNeed& need, const std::exception& error);

/// Returns work(). Turns an error that is_out_of_memory() into an OutOfMemoryError about `need()`.
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
