#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "parallel/communicator.h"

namespace incubate {

/// Carries small messages from group leaders to rank 0 while groups train apart, and lets all ranks meet afterwards. A
/// rank may wait there without limit while working ranks keep reporting: rank 0 knows who is alive and tells the
/// waiting ranks. A rank asked to stop tells all ranks.
class StatusChannel {
 public:
  using OnReport = std::function<void(std::span<const std::byte> report)>;
  using StopCheck = std::function<bool()>;

  /// Collective. `on_report` runs on rank 0 for each received report. `is_to_stop` runs on every rank now and then and
  /// returns whether the rank was asked to stop.
  StatusChannel(const Communicator& world, OnReport on_report, StopCheck is_to_stop = {});
  ~StatusChannel();
  StatusChannel(const StatusChannel&) = delete;
  StatusChannel& operator=(const StatusChannel&) = delete;

  /// Sends a report to rank 0: at most one a second on each `topic`, `urgent` reports always. Rank 0 also receives
  /// here.
  enum class Urgency { usual, urgent };
  void report(std::span<const std::byte> report, Urgency urgency, int topic);

  /// Returns whether any rank was asked to stop, as far as this rank knows. Ranks that keep calling learn of it within
  /// about a second, at different times. Once true, the answer stays true.
  bool is_stop_asked();

  /// Ends the round: returns when every rank has called it. `leaders` are the world ranks that report. Throws on rank 0
  /// if a leader that has not arrived is silent for longer than the timeout.
  void meet(const std::vector<int>& leaders);

 private:
  struct Peer {
    bool arrived = false;
    Stopwatch silence;
  };

  void send(std::span<const std::byte> bytes, int tag);
  bool has_left();
  /// Throws if leaving takes longer than the timeout.
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
