#include "parallel/communicator.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <utility>

#include "base/process.h"
#include "base/share.h"
#include "parallel/idle_wait.h"

namespace incubate {
namespace {

constexpr int kRollCallTag = 1;
constexpr int kShareTag = 100;
constexpr double kRollCallWindow_s = 3;
constexpr double kListenAfter_s = 0.25;  // a collective this late may be the subject of a peer's roll call
constexpr std::size_t kSharedAtOnce = std::size_t{1} << 17;  // values; they stay in the cache until they are added
constexpr std::size_t kChunk = std::size_t{1} << 28;         // elements a call, well under MPI's limit of 2^31-1

template <typename T>
std::span<T> chunk_of_rank(std::span<T> values, int rank, int size) {
  const Share share = chunk_of(static_cast<std::int64_t>(values.size()), rank, size);
  return values.subspan(share.begin, share.size());
}

/// As many of `values` from `begin` on as there are, at most `count`.
template <typename T>
std::span<T> block_of(std::span<T> values, std::size_t begin, std::size_t count) {
  const std::size_t first = std::min(begin, values.size());
  return values.subspan(first, std::min(count, values.size() - first));
}

}  // namespace

void check_mpi(int code, const std::string& what) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw std::runtime_error(fmt::format("MPI failed in {}: {}", what, text.data()));
}

Communicator::Communicator(MPI_Comm comm) : Communicator(comm, 600) {}

Communicator::Communicator(MPI_Comm comm, double timeout_s)
    : comm_(comm), roll_call_(MPI_COMM_NULL), timeout_s_(timeout_s) {
  check_mpi(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
  check_mpi(MPI_Comm_dup(comm_, &roll_call_), "MPI_Comm_dup");
  name_members();
}

Communicator::~Communicator() {
  if (roll_call_ != MPI_COMM_NULL) MPI_Comm_free(&roll_call_);
  if (comm_ != MPI_COMM_NULL && comm_ != MPI_COMM_WORLD) MPI_Comm_free(&comm_);
}

Communicator::Communicator(Communicator&& other) noexcept
    : comm_(std::exchange(other.comm_, MPI_COMM_NULL)),
      roll_call_(std::exchange(other.roll_call_, MPI_COMM_NULL)),
      rank_(other.rank_),
      size_(other.size_),
      timeout_s_(other.timeout_s_),
      member_names_(std::move(other.member_names_)) {}

void Communicator::name_members() {
  int world_rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &world_rank);
  std::array<char, 256> mine{};
  const std::string name = fmt::format("rank {} on {}", world_rank, host_name());
  std::copy_n(name.data(), std::min(name.size(), mine.size() - 1), mine.data());
  std::vector<char> all(mine.size() * size_);
  check_mpi(MPI_Allgather(mine.data(), mine.size(), MPI_CHAR, all.data(), mine.size(), MPI_CHAR, comm_),
            "naming ranks");
  std::vector<std::string> names;
  for (int i = 0; i < size_; ++i) names.emplace_back(all.data() + (i * mine.size()));
  member_names_ = std::make_shared<const std::vector<std::string>>(std::move(names));
}

std::vector<std::string> Communicator::hosts() const {
  std::vector<std::string> hosts;
  for (const std::string& name : *member_names_) hosts.push_back(name.substr(name.rfind(' ') + 1));
  return hosts;
}

Communicator Communicator::split(int color) const {
  // MPI has no split with a deadline: whoever does not come is found before it.
  barrier("meeting to be dealt to groups");
  MPI_Comm part = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split(comm_, color, rank_, &part), "MPI_Comm_split");
  return {part, timeout_s_};
}

void Communicator::barrier(const std::string& what) const {
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Ibarrier(comm_, &request), what);
  wait(request, what);
}

void Communicator::all_reduce_sum(std::span<std::int64_t> values, const std::string& what) const {
  for (std::size_t begin = 0; begin < values.size(); begin += kChunk) {
    const auto count = static_cast<int>(std::min(kChunk, values.size() - begin));
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Iallreduce(MPI_IN_PLACE, values.data() + begin, count, MPI_INT64_T, MPI_SUM, comm_, &request), what);
    wait(request, what);
  }
}

void Communicator::all_reduce_sum(std::span<float> values, const std::string& what) const {
  for (std::size_t begin = 0; begin < values.size(); begin += kChunk) {
    const auto count = static_cast<int>(std::min(kChunk, values.size() - begin));
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Iallreduce(MPI_IN_PLACE, values.data() + begin, count, MPI_FLOAT, MPI_SUM, comm_, &request), what);
    wait(request, what);
  }
}

template <typename T>
void Communicator::exchange(std::span<const T> sent, int to, std::span<T> received, int from,
                            const std::string& what) const {
  MPI_Request receiving = MPI_REQUEST_NULL;
  MPI_Request sending = MPI_REQUEST_NULL;
  if (!received.empty()) {
    check_mpi(MPI_Irecv(received.data(), static_cast<int>(received.size_bytes()), MPI_BYTE, from, kShareTag, comm_,
                        &receiving),
              what);
  }
  if (!sent.empty()) {
    check_mpi(MPI_Isend(sent.data(), static_cast<int>(sent.size_bytes()), MPI_BYTE, to, kShareTag, comm_, &sending),
              what);
  }
  wait(receiving, what);
  wait(sending, what);
}

// MPI's own reductions of large arrays take three to five times as long (Open MPI 4.1, 2 ranks of a node, 22 million
// values): they copy whole arrays where this adds what is in the cache.
template <typename T>
void Communicator::sum_shares_of(std::span<T> values, const std::string& what) const {
  const std::span<T> own = chunk_of_rank(values, rank_, size_);
  std::vector<T> received(std::min(kSharedAtOnce, own.size()));
  for (int distance = 1; distance < size_; ++distance) {
    const int to = (rank_ + distance) % size_;
    const int from = (rank_ + size_ - distance) % size_;
    const std::span<T> others = chunk_of_rank(values, to, size_);
    for (std::size_t begin = 0; begin < std::max(own.size(), others.size()); begin += kSharedAtOnce) {
      const std::span<T> block = block_of(own, begin, kSharedAtOnce);
      exchange<T>(block_of(others, begin, kSharedAtOnce), to, std::span(received).first(block.size()), from, what);
      for (std::size_t i = 0; i < block.size(); ++i) block[i] += received[i];
    }
  }
}

void Communicator::sum_shares(std::span<std::int64_t> values, const std::string& what) const {
  // Unsigned: a sum that is worthless may wrap round, which of signed integers is undefined.
  sum_shares_of(std::span(reinterpret_cast<std::uint64_t*>(values.data()), values.size()), what);
}

void Communicator::sum_shares(std::span<float> values, const std::string& what) const { sum_shares_of(values, what); }

void Communicator::share_values(std::span<float> values, const std::string& what) const {
  const std::span<float> own = chunk_of_rank(values, rank_, size_);
  for (int distance = 1; distance < size_; ++distance) {
    const int to = (rank_ + distance) % size_;
    const int from = (rank_ + size_ - distance) % size_;
    const std::span<float> others = chunk_of_rank(values, from, size_);
    for (std::size_t begin = 0; begin < std::max(own.size(), others.size()); begin += kChunk) {
      exchange<float>(block_of(own, begin, kChunk), to, block_of(others, begin, kChunk), from, what);
    }
  }
}

void Communicator::broadcast(std::span<std::byte> bytes, const std::string& what) const {
  for (std::size_t begin = 0; begin < bytes.size(); begin += kChunk) {
    const auto count = static_cast<int>(std::min(kChunk, bytes.size() - begin));
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Ibcast(bytes.data() + begin, count, MPI_BYTE, 0, comm_, &request), what);
    wait(request, what);
  }
}

std::string Communicator::broadcast(const std::string& text, const std::string& what) const {
  std::uint64_t length = text.size();
  broadcast(std::as_writable_bytes(std::span(&length, 1)), what);
  std::string copy = text;
  copy.resize(length);
  broadcast(std::as_writable_bytes(std::span(copy)), what);
  return copy;
}

std::vector<std::string> Communicator::gather(const std::string& text, const std::string& what) const {
  std::vector<std::int64_t> lengths(size_, 0);
  lengths[rank_] = static_cast<std::int64_t>(text.size());
  all_reduce_sum(lengths, what);
  const std::int64_t total = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  check_running(total <= std::numeric_limits<int>::max(), "{} needs {} bytes of all ranks, more than MPI's 2 GiB.",
                what, total);
  const std::vector<int> counts(lengths.begin(), lengths.end());
  std::vector<int> begins(size_, 0);
  std::partial_sum(counts.begin(), counts.end() - 1, begins.begin() + 1);
  std::string all(total, '\0');
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Iallgatherv(text.data(), counts[rank_], MPI_CHAR, all.data(), counts.data(), begins.data(), MPI_CHAR,
                            comm_, &request),
            what);
  wait(request, what);
  std::vector<std::string> texts;
  for (int i = 0; i < size_; ++i) texts.push_back(all.substr(begins[i], counts[i]));
  return texts;
}

void Communicator::wait(MPI_Request& request, const std::string& what) const {
  IdleWait idle;
  double listened_s = kListenAfter_s;
  while (true) {
    int done = 0;
    check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), what);
    if (done != 0) return;
    const double waited_s = idle.waited_s();
    if (waited_s > timeout_s_) call_roll(what, waited_s);
    if (waited_s > listened_s) {
      listened_s = waited_s + kListenAfter_s;
      if (is_roll_called()) call_roll(what, waited_s);
    }
    idle.pause();
  }
}

bool Communicator::is_roll_called() const {
  int called = 0;
  check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, kRollCallTag, roll_call_, &called, MPI_STATUS_IGNORE),
            "listening for a roll call");
  return called != 0;
}

void Communicator::call_roll(const std::string& what, double waited_s) const {
  std::vector<MPI_Request> sends(size_, MPI_REQUEST_NULL);
  char here = 1;
  for (int peer = 0; peer < size_; ++peer) {
    if (peer != rank_) MPI_Isend(&here, 1, MPI_CHAR, peer, kRollCallTag, roll_call_, &sends[peer]);
  }
  std::vector<bool> present(size_, false);
  present[rank_] = true;
  IdleWait idle;
  while (idle.waited_s() < kRollCallWindow_s && std::ranges::count(present, false) > 0) {
    int arrived = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, kRollCallTag, roll_call_, &arrived, &status);
    if (arrived != 0) {
      MPI_Recv(&here, 1, MPI_CHAR, status.MPI_SOURCE, kRollCallTag, roll_call_, MPI_STATUS_IGNORE);
      present[status.MPI_SOURCE] = true;
    }
    idle.pause();
  }
  for (MPI_Request& send : sends) {
    if (send != MPI_REQUEST_NULL) MPI_Request_free(&send);
  }
  if (std::ranges::find(present, true) - present.begin() != rank_) throw PeerFailure("a roll call ended the job");
  std::string silent;
  for (int i = 0; i < size_; ++i) {
    if (!present[i]) silent += (silent.empty() ? "" : ", ") + member_name(i);
  }
  throw std::runtime_error(fmt::format(
      "{} did not complete within {:.0f} s (run.timeout_s={}). {}", what, waited_s, timeout_s_,
      silent.empty()
          ? "All its ranks answer a roll call: the network may be slow, or the time too short."
          : fmt::format("Silent in a roll call: {}. Look for a stopped, killed or stuck process there.", silent)));
}

void agree(const Communicator& communicator, const std::function<void()>& check) {
  std::string message;
  try {
    check();
  } catch (const InputError& error) {
    message = error.what();
  } catch (const std::filesystem::filesystem_error& error) {  // of a place that the user gave
    message = describe(error);
  }
  std::vector<std::int64_t> failed(communicator.size(), 0);
  failed[communicator.rank()] = message.empty() ? 0 : 1;
  communicator.all_reduce_sum(failed, "agreeing on the input");
  const auto first = std::ranges::find(failed, 1);
  if (first == failed.end()) return;
  // The lowest failed rank's message goes to all: lengths first, then bytes as a sum in which only it has non-zeros.
  const bool is_mine = first - failed.begin() == communicator.rank();
  std::vector<std::int64_t> length = {is_mine ? static_cast<std::int64_t>(message.size()) : 0};
  communicator.all_reduce_sum(length, "agreeing on the input");
  std::vector<std::int64_t> characters(length[0], 0);
  if (is_mine) std::ranges::copy(message, characters.begin());
  communicator.all_reduce_sum(characters, "agreeing on the input");
  throw AgreedInputError(std::string(characters.begin(), characters.end()));
}

}  // namespace incubate
