#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <mpi.h>

#include "base/check.h"

namespace incubate {

/// A peer has already reported why the job must end: this rank ends without its own message.
class PeerFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws std::runtime_error naming `what` unless `code` is MPI_SUCCESS (the world returns errors: see MpiSession).
void check_mpi(int code, const std::string& what);

/// An MPI communicator with collectives that cannot hang. Each is non-blocking and tested until its deadline. Then a
/// roll call finds the silent ranks, and the job ends with their names. Collective: construction, split() and every
/// operation, on all ranks in the same order. Must not outlive MPI.
class Communicator {
 public:
  /// Takes ownership of `comm` (or borrows MPI_COMM_WORLD).
  explicit Communicator(MPI_Comm comm);
  ~Communicator();
  Communicator(Communicator&& other) noexcept;
  Communicator& operator=(Communicator&&) = delete;
  Communicator(const Communicator&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_leader() const { return rank_ == 0; }
  MPI_Comm get() const { return comm_; }
  /// Returns a name such as "rank 5 on node17", with the rank in the world.
  const std::string& member_name(int rank) const { return (*member_names_)[rank]; }
  /// Returns the host names of all members, by rank.
  std::vector<std::string> hosts() const;

  void set_timeout(double timeout_s) { timeout_s_ = timeout_s; }
  double timeout_s() const { return timeout_s_; }

  /// Returns the communicator of the ranks with equal `color`, in the order of their ranks here.
  Communicator split(int color) const;

  void barrier(const std::string& what) const;
  /// Sums in place over all ranks. Integers are exact; the last bits of floats depend on the number of ranks.
  void all_reduce_sum(std::span<std::int64_t> values, const std::string& what) const;
  void all_reduce_sum(std::span<float> values, const std::string& what) const;
  /// Reduce-scatter in place: each rank gets the sum of its chunk_of() the values; its other values become worthless.
  /// With share_values() it does what all_reduce_sum() does, and sends less if shares are shortened in between.
  void sum_shares(std::span<std::int64_t> values, const std::string& what) const;
  void sum_shares(std::span<float> values, const std::string& what) const;
  /// All-gather in place: copies each rank's share of the values to all other ranks.
  void share_values(std::span<float> values, const std::string& what) const;
  /// Copies the leader's bytes to all ranks.
  void broadcast(std::span<std::byte> bytes, const std::string& what) const;
  /// Returns the leader's text on every rank.
  std::string broadcast(const std::string& text, const std::string& what) const;
  /// Returns every rank's text on all ranks, by rank.
  std::vector<std::string> gather(const std::string& text, const std::string& what) const;

 private:
  Communicator(MPI_Comm comm, double timeout_s);
  void name_members();
  template <typename T>
  void sum_shares_of(std::span<T> values, const std::string& what) const;
  /// Sends to one rank and receives from another.
  template <typename T>
  void exchange(std::span<const T> sent, int to, std::span<T> received, int from, const std::string& what) const;
  /// Tests `request` until it completes or the deadline passes.
  void wait(MPI_Request& request, const std::string& what) const;
  [[noreturn]] void call_roll(const std::string& what, double waited_s) const;
  bool is_roll_called() const;

  MPI_Comm comm_;
  MPI_Comm roll_call_;  // a duplicate, so that a roll call works while a collective hangs
  int rank_ = 0;
  int size_ = 1;
  double timeout_s_ = 600;
  std::shared_ptr<const std::vector<std::string>> member_names_;
};

/// Bad input that every rank knows of, so that all can end in order. An empty message: another process prints it.
class AgreedInputError : public InputError {
 public:
  using InputError::InputError;
};

/// Runs `check` on every rank. If it throws InputError or a filesystem_error on any rank, every rank throws
/// AgreedInputError with the message of the lowest such rank. Collective.
void agree(const Communicator& communicator, const std::function<void()>& check);

}  // namespace incubate
