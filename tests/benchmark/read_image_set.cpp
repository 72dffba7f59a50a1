// Reads all training images of a set, in random order, as training does: from shards, each compared with its checksum.
//
//   read_image_set INDEX THREADS [cold]     cold: what the system has of the shards in memory is dropped first
//
// Prints images, bytes and seconds.

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"
#include "vision/encoded_dataset.h"

namespace incubate {
namespace {

void drop_from_memory(const FilePath& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  check_running(descriptor >= 0, "{} cannot be opened", file.string());
  ::fdatasync(descriptor);
  ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
  ::close(descriptor);
}

void run(const FilePath& index, int num_threads, bool is_cold) {
  const ImageSet set = read_image_set(index);
  const EncodedDataset images(index, Split::train);
  if (is_cold) {
    for (const std::string& shard : set.train.shards) drop_from_memory(index.parent_path() / shard);
  }
  const std::vector<std::uint32_t> order =
      make_permutation(static_cast<std::uint32_t>(images.num_images()), make_generator(0, Purpose::shuffle, {}));
  std::atomic<std::size_t> next = 0;
  std::atomic<std::uint64_t> bytes = 0;
  const Stopwatch watch;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < num_threads; ++i) {
      threads.emplace_back([&] {
        for (std::size_t k = next++; k < order.size(); k = next++) bytes += images.read(order[k]).size();
      });
    }
  }
  fmt::print("{} {} {:.6f}\n", order.size(), bytes.load(), watch.elapsed_s());
}

}  // namespace
}  // namespace incubate

int main(int argc, char* argv[]) {
  try {
    if (argc < 3) throw incubate::InputError("usage: read_image_set INDEX THREADS [cold]");
    incubate::run(argv[1], std::atoi(argv[2]), argc > 3 && std::strcmp(argv[3], "cold") == 0);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
