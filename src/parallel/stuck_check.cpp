#include "parallel/stuck_check.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "parallel/idle_wait.h"

namespace incubate {
namespace {

constexpr int kTag = 1;
constexpr std::uint64_t kParted = std::numeric_limits<std::uint64_t>::max();

}  // namespace

StuckCheck::StuckCheck(const Communicator& communicator)
    : communicator_(communicator), waits_in_(communicator.is_leader() ? communicator.size() : 0) {
  communicator.barrier("meeting to watch collectives");  // a duplication has no deadline
  check_mpi(MPI_Comm_dup(communicator.get(), &comm_), "MPI_Comm_dup");
}

StuckCheck::~StuckCheck() {
  if (std::uncaught_exceptions() == 0) part();
  MPI_Comm_free(&comm_);
}

/// Leaves no message on its way: it could come to the next communicator.
void StuckCheck::part() {
  tell(kParted);
  IdleWait idle;
  const auto has_parted = [](std::uint64_t waits_in) { return waits_in == kParted; };
  int all_sent = 0;
  while (idle.waited_s() < communicator_.timeout_s()) {
    hear();
    MPI_Testall(static_cast<int>(sends_.size()), sends_.data(), &all_sent, MPI_STATUSES_IGNORE);
    if (all_sent != 0 && std::ranges::all_of(waits_in_, has_parted)) return;
    idle.pause();
  }
}

void StuckCheck::add(DeviceCollective collective) {
  drop_ended();
  in_flight_.push_back(std::move(collective));
}

void StuckCheck::drop_ended() {
  while (!in_flight_.empty() && in_flight_.front().is_over()) {
    go_on();
    in_flight_.pop_front();
    ++first_in_flight_;
    wait_.reset();
  }
}

std::optional<std::string> StuckCheck::find_stuck() {
  if (!is_on_own_thread()) return {};
  drop_ended();
  if (in_flight_.empty() || !in_flight_.front().has_begun()) return {};
  if (!wait_) wait_.emplace();
  if (wait_->elapsed_s() < in_flight_.front().patience_s) return {};
  tell(first_in_flight_);
  if (!communicator_.is_leader()) return {};
  hear();
  const bool all_wait = std::ranges::find(waits_in_, 0U) == waits_in_.end();
  return all_wait ? std::optional(describe()) : std::nullopt;
}

void StuckCheck::go_on() {
  if (is_on_own_thread()) tell(0);
}

/// Tells the leader the number of the collective in which this rank has waited for too long, or 0.
void StuckCheck::tell(std::uint64_t waits_in) {
  if (communicator_.is_leader()) {
    waits_in_[0] = waits_in;
  } else if (told_.back() != waits_in) {
    told_.push_back(waits_in);
    sends_.push_back(MPI_REQUEST_NULL);
    MPI_Isend(&told_.back(), 1, MPI_UINT64_T, 0, kTag, comm_, &sends_.back());
  }
}

void StuckCheck::hear() {
  while (true) {
    int arrived = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, kTag, comm_, &arrived, &status);
    if (arrived == 0) return;
    MPI_Recv(&waits_in_[status.MPI_SOURCE], 1, MPI_UINT64_T, status.MPI_SOURCE, kTag, comm_, MPI_STATUS_IGNORE);
  }
}

std::string StuckCheck::describe() const {
  const auto behind = std::ranges::min_element(waits_in_);
  const std::string which = *behind == waits_in_[0]
                                ? ""
                                : fmt::format(" {} is still in an earlier one.",
                                              communicator_.member_name(static_cast<int>(behind - waits_in_.begin())));
  const DeviceCollective& collective = in_flight_.front();
  return fmt::format("{} is stuck: its {} ranks have waited in it for {:.0f} s and none of them is late.{}",
                     collective.name, communicator_.size(), collective.patience_s, which);
}

}  // namespace incubate
