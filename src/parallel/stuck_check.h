#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <mpi.h>

#include "base/clock.h"
#include "parallel/communicator.h"

namespace incubate {

/// A collective that a rank has given to its device.
struct DeviceCollective {
  std::string name;
  double patience_s = 0;            ///< longer than it takes once the last rank has come
  std::function<bool()> has_begun;  ///< true once the device has finished earlier work
  std::function<bool()> is_over;
};

/// Tells stuck collectives from those that wait for a late rank. Stuck means: all ranks of the group are in the same
/// collective, with earlier work done, for longer than it may take. Messages use MPI, only on the thread that created
/// the check. On autograd's thread, where backward hooks begin collectives, it neither sends nor finds anything.
class StuckCheck {
 public:
  /// Construction and destruction are collective over `communicator`, which must outlive this object.
  explicit StuckCheck(const Communicator& communicator);
  ~StuckCheck();
  StuckCheck(const StuckCheck&) = delete;
  StuckCheck& operator=(const StuckCheck&) = delete;

  /// Notes a collective that this rank has begun. All ranks begin the same ones in the same order, in which they end.
  void add(DeviceCollective collective);
  /// Returns what is wrong, on the leader, if all ranks are stuck; else nothing. Called repeatedly by a rank that waits
  /// for its device. Does not block.
  std::optional<std::string> find_stuck();
  /// Notes that the rank no longer waits.
  void go_on();

 private:
  bool is_on_own_thread() const { return std::this_thread::get_id() == thread_; }
  void part();
  void drop_ended();
  void tell(std::uint64_t waits_in);
  void hear();
  std::string describe() const;

  const Communicator& communicator_;
  const std::thread::id thread_ =
      std::this_thread::get_id();  // the only thread that may call MPI (MPI_THREAD_FUNNELED)
  MPI_Comm comm_ = MPI_COMM_NULL;
  std::deque<DeviceCollective> in_flight_;
  std::uint64_t first_in_flight_ = 1;     // counted from 1
  std::optional<Stopwatch> wait_;         // in the first of in_flight_
  std::deque<std::uint64_t> told_ = {0};  // MPI reads them until they are sent
  std::vector<MPI_Request> sends_;
  std::vector<std::uint64_t> waits_in_;  // on the leader, by rank: number of the overdue collective; 0: none
};

}  // namespace incubate
