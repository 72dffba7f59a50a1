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

/// A peer has already reported why the job must end: this rank ends without a message of its own.
class PeerFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws std::runtime_error naming `what` unless `code` is MPI_SUCCESS (the world returns errors: see MpiSession).
void check_mpi(int code, const std::string& what);

/// An MPI communicator with collectives that cannot hang: each is non-blocking, tested until its deadline; past it a
/// roll call finds the ranks that do not answer, and the job ends with their names. Frees itself; must not outlive MPI.
/// Collective: construction, split() and every operation, by all ranks in the same order.
class Communicator {
 public:
  /// Takes `comm` over (or borrows MPI_COMM_WORLD).
  explicit Communicator(MPI_Comm comm);
  ~Communicator();
  Communicator(Communicator&& other) noexcept;
  Communicator& operator=(Communicator&&) = delete;
  Communicator(const Communicator&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_leader() const { return rank_ == 0; }
  MPI_Comm get() const { return comm_; }
  /// "rank 5 on node17": the rank is that in the world.
  const std::string& member_name(int rank) const { return (*member_names_)[rank]; }
  /// Host names of all members, by rank.
  std::vector<std::string> hosts() const;

  void set_timeout(double timeout_s) { timeout_s_ = timeout_s; }
  double timeout_s() const { return timeout_s_; }

  /// Ranks of equal `color` form a new communicator, in the order of their ranks here.
  Communicator split(int color) const;

  void barrier(const std::string& what) const;
  /// Sums in place over all ranks. Integers are exact; floats depend on the number of ranks in their last bits.
  void all_reduce_sum(std::span<std::int64_t> values, const std::string& what) const;
  void all_reduce_sum(std::span<float> values, const std::string& what) const;
  /// Sums over all ranks, of which each gets its share (chunk_of() of the values); what is not its own is worthless
  /// then. With share_values() it is what all_reduce_sum() does, but sends less where a share is made shorter between.
  void sum_shares(std::span<std::int64_t> values, const std::string& what) const;
  void sum_shares(std::span<float> values, const std::string& what) const;
  /// Copies each rank's share of the values to all others.
  void share_values(std::span<float> values, const std::string& what) const;
  /// Copies the leader's bytes to all.
  void broadcast(std::span<std::byte> bytes, const std::string& what) const;
  /// The same for text, whose length only the leader knows.
  std::string broadcast(const std::string& text, const std::string& what) const;
  /// Every rank's text to all, by rank.
  std::vector<std::string> gather(const std::string& text, const std::string& what) const;

 private:
  Communicator(MPI_Comm comm, double timeout_s);
  void name_members();
  template <typename T>
  void sum_shares_of(std::span<T> values, const std::string& what) const;
  /// Sends to one rank and receives from another.
  template <typename T>
  void exchange(std::span<const T> sent, int to, std::span<T> received, int from, const std::string& what) const;
  /// Tests `request` until it is complete or the deadline is over.
  void wait(MPI_Request& request, const std::string& what) const;
  [[noreturn]] void call_roll(const std::string& what, double waited_s) const;
  bool is_roll_called() const;

  MPI_Comm comm_;
  MPI_Comm roll_call_;  // a duplicate: a roll call works while a collective hangs
  int rank_ = 0;
  int size_ = 1;
  double timeout_s_ = 600;
  std::shared_ptr<const std::vector<std::string>> member_names_;
};

/// Bad input that every rank knows of: all can end in order. An empty message: another process says it.
class AgreedInputError : public InputError {
 public:
  using InputError::InputError;
};

/// Runs `check` on every rank; if it throws InputError or a filesystem_error on any, every rank throws AgreedInputError
/// with the message of the lowest such rank. Collective.
void agree(const Communicator& communicator, const std::function<void()>& check);

}  // namespace incubate
