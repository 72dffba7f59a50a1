#include "run/cache_on_nodes.h"

#include <cstdlib>
#include <vector>

#include <fmt/format.h>

#include "base/clock.h"
#include "data/node_cache.h"
#include "parallel/device.h"
#include "parallel/status_channel.h"
#include "report/progress.h"
#include "vision/encoded_dataset.h"

namespace incubate {
namespace {

std::filesystem::path node_storage() {
  for (const char* name : {"SLURM_TMPDIR", "TMPDIR"}) {
    const char* path = std::getenv(name);
    if (path != nullptr && *path != '\0') return path;
  }
  return "/tmp";
}

std::vector<CachedFile> list_shards(const std::filesystem::path& index) {
  const ImageSet set = read_image_set(index);
  std::vector<CachedFile> files;
  for (const Split split : kSplits) {
    const ImageSetSplit& part = set.split(split);
    for (std::size_t i = 0; i < part.num_shards(); ++i) {
      files.push_back({shard_path(index, part.shards[i]), part.shard_lengths[i]});
    }
  }
  return files;
}

}  // namespace

std::filesystem::path cache_on_nodes(const DataConfig& data, const std::string& digest, Communicator& world, Log& log) {
  const std::filesystem::path index = data.file;
  if (!is_image_set(index)) return {};
  const std::filesystem::path root =
      data.cache_directory.empty() ? node_storage() : std::filesystem::path(data.cache_directory);
  const std::filesystem::path directory = root / ("incubate-" + digest);
  const std::vector<CachedFile> files = list_shards(index);
  const NodePlace place = place_within_node(world);
  agree(world, [&] {
    if (place.rank == 0) prepare_cache(directory, files);
  });
  std::uintmax_t bytes = 0;
  for (const CachedFile& file : files) bytes += file.bytes;
  if (world.is_leader()) {
    log.info(fmt::format("copying {} shards ({:.2f} GB) to {} on each node", files.size(),
                         static_cast<double>(bytes) / 1e9, directory.string()));
  }
  const Stopwatch watch;
  // It may take long, and longer on one node than on another: whoever is at work says so.
  StatusChannel channel(world, [](std::span<const std::byte>) {});
  std::vector<int> ranks;
  for (int rank = 0; rank < world.size(); ++rank) ranks.push_back(rank);
  fill_cache(directory, files, place.rank, place.size, [&channel](std::uintmax_t) {
    constexpr std::byte kAlive{};
    channel.report(std::span(&kAlive, 1), StatusChannel::Urgency::usual, 0);
  });
  channel.meet(ranks);
  if (world.is_leader()) log.info(fmt::format("copied in {}", format_duration(watch.elapsed_s())));
  return directory;
}

}  // namespace incubate
