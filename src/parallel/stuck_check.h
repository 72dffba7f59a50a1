#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <mpi.h>

#include "base/stopwatch.h"
#include "parallel/communicator.h"

namespace incubate {

/// A collective that a rank has given to its device.
struct DeviceCollective {
  std::string name;
  double patience_s = 0;            ///< longer than it ever takes once the last rank has come
  std::function<bool()> has_begun;  ///< whether the device has done what came before
  std::function<bool()> is_over;
};

/// Tells collectives that are stuck from those that wait for a late rank: all ranks of the group are in one, their own
/// work before it done, and have been for longer than it may take. Messages go by MPI, whatever carries the
/// collectives, on the thread that made the check: on autograd's, where a backward hook begins a collective, nothing is
/// told or found.
class StuckCheck {
 public:
  /// Collective over `communicator`, which must outlive it; so is its end.
  explicit StuckCheck(const Communicator& communicator);
  ~StuckCheck();
  StuckCheck(const StuckCheck&) = delete;
  StuckCheck& operator=(const StuckCheck&) = delete;

  /// Notes what this rank has begun; all ranks begin the same, in the same order, in which they end.
  void add(DeviceCollective collective);
  /// Called again and again by a rank that waits for its device. Does not wait. Of the leader: what is wrong, when all
  /// ranks are stuck; nothing on others.
  std::optional<std::string> find_stuck();
  /// The rank waits no longer.
  void go_on();

 private:
  bool is_on_own_thread() const { return std::this_thread::get_id() == thread_; }
  void part();
  void drop_ended();
  void tell(std::uint64_t waits_in);
  void hear();
  std::string describe() const;

  const Communicator& communicator_;
  const std::thread::id thread_ = std::this_thread::get_id();  // the only one that may call MPI (MPI_THREAD_FUNNELED)
  MPI_Comm comm_ = MPI_COMM_NULL;
  std::deque<DeviceCollective> in_flight_;
  std::uint64_t first_in_flight_ = 1;     // counted from 1
  std::optional<Stopwatch> wait_;         // in the first one
  std::deque<std::uint64_t> told_ = {0};  // which MPI reads until it has sent them
  std::vector<MPI_Request> sends_;
  std::vector<std::uint64_t> waits_in_;  // on the leader, by rank: the number of the collective; 0: none for too long
};

}  // namespace incubate
