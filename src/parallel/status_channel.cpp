#include "parallel/status_channel.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/check.h"
#include "parallel/idle_wait.h"

namespace incubate {
namespace {

enum Tag : int { kReportTag = 1, kArrivedTag = 2, kStillWorkingTag = 3, kReleaseTag = 4, kStopTag = 5 };
constexpr double kReportEvery_s = 1;
// A group's own roll call names the silent rank more exactly than rank 0 can: it goes first.
constexpr double kGrace_s = 15;
constexpr double kLastReport_s = 2;  // for a report to leave when this rank ends with an error

}  // namespace

StatusChannel::StatusChannel(const Communicator& world, OnReport on_report, StopCheck is_to_stop)
    : world_(world), on_report_(std::move(on_report)), is_to_stop_(std::move(is_to_stop)), peers_(world.size()) {
  check_mpi(MPI_Comm_dup(world.get(), &comm_), "MPI_Comm_dup");
}

StatusChannel::~StatusChannel() {
  // After an error: a last report may be on its way, or rank 0 may never take it.
  const IdleWait idle;
  while (!has_left() && idle.waited_s() < kLastReport_s) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (pending_ == MPI_REQUEST_NULL) MPI_Comm_free(&comm_);
}

void StatusChannel::report(std::span<const std::byte> report, Urgency urgency, int topic) {
  if (world_.is_leader()) receive_reports();
  const auto last = since_report_.find(topic);
  const bool is_early = last != since_report_.end() && last->second.elapsed_s() < kReportEvery_s;
  if (urgency == Urgency::usual && is_early) return;
  if (world_.is_leader()) {
    on_report_(report);
  } else {
    if (!has_left() && urgency == Urgency::usual) return;  // rank 0 is busy: a later report says more
    send(report, kReportTag);
  }
  since_report_[topic].restart();
}

/// To rank 0, when what was sent before has left.
void StatusChannel::send(std::span<const std::byte> bytes, int tag) {
  wait_until_left();
  since_send_.restart();
  pending_bytes_.assign(bytes.begin(), bytes.end());
  check_mpi(
      MPI_Isend(pending_bytes_.data(), static_cast<int>(pending_bytes_.size()), MPI_BYTE, 0, tag, comm_, &pending_),
      "reporting");
}

bool StatusChannel::has_left() {
  int done = 0;
  check_mpi(MPI_Test(&pending_, &done, MPI_STATUS_IGNORE), "reporting");  // of no request: done
  return done != 0;
}

void StatusChannel::wait_until_left() {
  IdleWait idle;
  while (!has_left()) {
    check_running(
        since_send_.elapsed_s() < world_.timeout_s() + kGrace_s,
        "{} has not taken a report for {:.0f} s (run.timeout_s={}). Look for a stopped, killed or stuck process.",
        world_.member_name(0), since_send_.elapsed_s(), world_.timeout_s());
    idle.pause();
  }
}

bool StatusChannel::is_stop_asked() {
  if (is_stop_asked_) return true;
  if (is_to_stop_ && is_to_stop_()) {
    tell_of_stop();
  } else if (!world_.is_leader()) {
    int arrived = 0;
    check_mpi(MPI_Iprobe(0, kStopTag, comm_, &arrived, MPI_STATUS_IGNORE), "hearing of a stop");
    is_stop_asked_ = arrived != 0;  // it is taken out when this rank waits for the end of the round
  }
  return is_stop_asked_;
}

/// To rank 0, which tells all.
void StatusChannel::tell_of_stop() {
  is_stop_asked_ = true;
  const int first = world_.is_leader() ? 1 : 0;
  const int end = world_.is_leader() ? world_.size() : 1;
  for (int rank = first; rank < end; ++rank) {
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Isend(nullptr, 0, MPI_BYTE, rank, kStopTag, comm_, &request), "telling of a stop");
    MPI_Request_free(&request);
  }
}

void StatusChannel::meet(const std::vector<int>& leaders) {
  if (world_.is_leader()) {
    wait_for_all(leaders);
  } else {
    wait_for_release();
  }
  since_report_.clear();
}

void StatusChannel::receive_reports() {
  while (true) {
    int arrived = 0;
    MPI_Status status;
    check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm_, &arrived, &status), "receiving reports");
    if (arrived == 0) break;
    int size = 0;
    MPI_Get_count(&status, MPI_BYTE, &size);
    std::vector<std::byte> bytes(size);
    check_mpi(MPI_Recv(bytes.data(), size, MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG, comm_, MPI_STATUS_IGNORE),
              "receiving reports");
    Peer& peer = peers_[status.MPI_SOURCE];
    peer.silence.restart();
    if (status.MPI_TAG == kArrivedTag) peer.arrived = true;
    if (status.MPI_TAG == kReportTag) on_report_(bytes);
    if (status.MPI_TAG == kStopTag && !is_stop_asked_) tell_of_stop();
  }
  if (since_reassurance_.elapsed_s() > kReportEvery_s) {
    since_reassurance_.restart();
    reassure_waiting(kStillWorkingTag);
  }
}

void StatusChannel::reassure_waiting(int tag) {
  for (int rank = 1; rank < world_.size(); ++rank) {
    if (!peers_[rank].arrived) continue;
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Isend(nullptr, 0, MPI_BYTE, rank, tag, comm_, &request), "telling waiting ranks");
    MPI_Request_free(&request);
  }
}

void StatusChannel::wait_for_all(const std::vector<int>& leaders) {
  IdleWait idle;
  peers_[0].arrived = true;
  while (!std::ranges::all_of(peers_, &Peer::arrived)) {
    receive_reports();
    is_stop_asked();
    for (const int leader : leaders) {
      const Peer& peer = peers_[leader];
      check_running(peer.arrived || std::min(peer.silence.elapsed_s(), idle.waited_s()) < world_.timeout_s() + kGrace_s,
                    "{} has not reported for {:.0f} s (run.timeout_s={}). Look for a stopped, killed or stuck process.",
                    world_.member_name(leader), peer.silence.elapsed_s(), world_.timeout_s());
    }
    idle.pause();
  }
  reassure_waiting(kReleaseTag);
  for (Peer& peer : peers_) peer = Peer{};
}

void StatusChannel::wait_for_release() {
  send({}, kArrivedTag);
  wait_until_left();
  IdleWait idle;
  Stopwatch silence;
  while (true) {
    int arrived = 0;
    MPI_Status status;
    check_mpi(MPI_Iprobe(0, MPI_ANY_TAG, comm_, &arrived, &status), "waiting for the end of a round");
    if (arrived != 0) {
      check_mpi(MPI_Recv(nullptr, 0, MPI_BYTE, 0, status.MPI_TAG, comm_, MPI_STATUS_IGNORE), "waiting");
      if (status.MPI_TAG == kReleaseTag) return;
      if (status.MPI_TAG == kStopTag) is_stop_asked_ = true;
      silence.restart();
    }
    is_stop_asked();
    check_running(silence.elapsed_s() < world_.timeout_s() + kGrace_s,
                  "{} has been silent for {:.0f} s while others waited for the end of a round (run.timeout_s={}).",
                  world_.member_name(0), silence.elapsed_s(), world_.timeout_s());
    idle.pause();
  }
}

}  // namespace incubate
