#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/stopwatch.h"
#include "parallel/communicator.h"

namespace incubate {

/// Small messages from group leaders to rank 0 while groups work apart, and the meeting of all ranks when they are
/// done. Waiting there is unbounded while those still at work keep reporting: rank 0 knows who is alive, and tells the
/// waiting. A rank that is to stop tells all.
class StatusChannel {
 public:
  using OnReport = std::function<void(std::span<const std::byte> report)>;
  using StopCheck = std::function<bool()>;

  /// Collective. `on_report` is called on rank 0 for each report received; `is_to_stop` on every rank now and then:
  /// whether it has been asked to stop.
  StatusChannel(const Communicator& world, OnReport on_report, StopCheck is_to_stop = {});
  ~StatusChannel();
  StatusChannel(const StatusChannel&) = delete;
  StatusChannel& operator=(const StatusChannel&) = delete;

  /// Sends at most one report a second on each `topic` (and `urgent` ones always) to rank 0. On rank 0 it also
  /// receives.
  enum class Urgency { usual, urgent };
  void report(std::span<const std::byte> report, Urgency urgency, int topic);

  /// Whether any rank has been asked to stop, as far as it is known here: in a second or so on all ranks that keep
  /// asking, at different times. Once true it stays so.
  bool is_stop_asked();

  /// Ends the round: returns when every rank has called it. `leaders` are the world ranks that report.
  /// Throws on rank 0 if a leader that has not arrived was silent for longer than the timeout.
  void meet(const std::vector<int>& leaders);

 private:
  struct Peer {
    bool arrived = false;
    Stopwatch silence;
  };

  void send(std::span<const std::byte> bytes, int tag);
  bool has_left();
  /// Throws if that takes longer than the timeout.
  void wait_until_left();
  void tell_of_stop();
  void receive_reports();
  void reassure_waiting(int tag);
  void wait_for_all(const std::vector<int>& leaders);
  void wait_for_release();

  const Communicator& world_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  OnReport on_report_;
  StopCheck is_to_stop_;
  bool is_stop_asked_ = false;
  std::map<int, Stopwatch> since_report_;  // by topic
  MPI_Request pending_ = MPI_REQUEST_NULL;
  std::vector<std::byte> pending_bytes_;
  Stopwatch since_send_;
  std::vector<Peer> peers_;      // on rank 0
  Stopwatch since_reassurance_;  // on rank 0
};

}  // namespace incubate
