#include "pack/shard_progress.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <numeric>

namespace incubate {
namespace {

constexpr double kExchangeEvery_s = 0.1;

struct Report {
  std::int64_t rank = 0;
  ShardProgress::Amount done;
};

std::string format_line(const std::string& work, ShardProgress::Amount done, ShardProgress::Amount total,
                        double elapsed_s) {
  const double fraction = total.bytes == 0 ? 1 : static_cast<double>(done.bytes) / static_cast<double>(total.bytes);
  const double rate = elapsed_s > 0 ? 1 / elapsed_s : 0;
  const double left_s = fraction > 0 ? elapsed_s * (1 - fraction) / fraction : 0;
  return fmt::format("{:<11} [{}] {:3.0f}%  image {}/{}  {:.0f} images/s  {:.1f} MB/s  {} left", work,
                     draw_bar(fraction), 100 * fraction, done.images, total.images,
                     static_cast<double>(done.images) * rate, static_cast<double>(done.bytes) * rate / 1e6,
                     format_duration(left_s));
}

}  // namespace

ShardProgress::ShardProgress(const Communicator& world, std::string work, Amount total)
    : world_(world),
      work_(std::move(work)),
      total_(total),
      channel_(
          world, [this](std::span<const std::byte> report) { show(report); }, [this] { return has_failed_; }) {}

void ShardProgress::show(std::span<const std::byte> bytes) {
  Report report;
  std::memcpy(&report, bytes.data(), sizeof(report));
  done_of_[static_cast<int>(report.rank)] = report.done;
  Amount all;
  for (const auto& [rank, done] : done_of_) {
    all.images += done.images;
    all.bytes += done.bytes;
  }
  progress_.update(work_, format_line(work_, all, total_, elapsed_s()), all.images == total_.images);
}

void ShardProgress::add(Amount more) {
  done_.images += more.images;
  done_.bytes += more.bytes;
  // Polling may yield the core to other ranks, and an image in memory takes less time than that.
  if (since_exchange_.elapsed_s() < kExchangeEvery_s) return;
  since_exchange_.restart();
  const Report report = {.rank = world_.rank(), .done = done_};
  channel_.report(std::as_bytes(std::span(&report, 1)), StatusChannel::Urgency::usual, 0);
  if (channel_.is_stop_asked()) throw Stopped{};
}

void ShardProgress::run(const std::function<void()>& part) {
  std::exception_ptr failure;
  try {
    part();
    const Report report = {.rank = world_.rank(), .done = done_};
    channel_.report(std::as_bytes(std::span(&report, 1)), StatusChannel::Urgency::urgent, 0);
  } catch (const Stopped&) {
  } catch (const InputError&) {
    failure = std::current_exception();
    has_failed_ = true;
    channel_.is_stop_asked();  // tells the other ranks
  }
  std::vector<int> all(world_.size());
  std::iota(all.begin(), all.end(), 0);
  channel_.meet(all);
  progress_.finish();
  agree(world_, [&] {
    if (failure) std::rethrow_exception(failure);
  });
}

}  // namespace incubate
