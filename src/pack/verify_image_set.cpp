#include <algorithm>

#include "base/check.h"
#include "pack/pack_image_set.h"
#include "pack/shard_damage.h"
#include "pack/shard_progress.h"

namespace incubate {
namespace {

struct ShardPlace {
  Split split = Split::train;
  std::size_t shard = 0;
};

std::vector<ShardPlace> list_shards(const ImageSet& set) {
  std::vector<ShardPlace> places;
  for (const Split split : kSplits) {
    for (std::size_t i = 0; i < set.split(split).num_shards(); ++i) places.push_back({.split = split, .shard = i});
  }
  return places;
}

ShardProgress::Amount measure(const ImageSet& set) {
  ShardProgress::Amount total;
  for (const ImageSetSplit* split : {&set.train, &set.validation}) {
    total.images += static_cast<std::int64_t>(split->table.size());
    for (const std::uint64_t length : split->table.lengths) total.bytes += static_cast<std::int64_t>(length);
  }
  return total;
}

std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace

void verify_image_set(const FilePath& index, Communicator& world, Log& log) {
  ImageSet set;
  agree(world, [&] { set = read_image_set(index); });
  const std::vector<ShardPlace> places = list_shards(set);
  const ShardProgress::Amount total = measure(set);
  const EncodedDataset train(index, set, Split::train), validation(index, set, Split::validation);

  std::vector<std::string> damage;
  std::int64_t num_damaged = 0;
  ShardProgress progress(world, "verify", total);
  progress.run([&] {
    for (std::size_t i = world.rank(); i < places.size(); i += world.size()) {
      const auto [split, shard] = places[i];
      const std::vector<std::string> found =
          find_shard_damage(index, set, split, shard, split == Split::train ? train : validation,
                            [&](std::int64_t bytes) { progress.add({.images = 1, .bytes = bytes}); });
      std::ranges::copy(found, std::back_inserter(damage));
      if (!found.empty()) ++num_damaged;
    }
  });

  std::vector<std::int64_t> sum = {num_damaged};
  world.all_reduce_sum(sum, "counting damaged shards");
  for (const std::string& lines : world.gather(join_lines(damage), "telling of damage")) {
    if (!lines.empty()) log.info(lines.substr(0, lines.size() - 1));
  }
  if (sum[0] > 0) {
    throw AgreedInputError(fmt::format("{}: {} of its {} shards are damaged or missing, as listed.", index.string(),
                                       sum[0], places.size()));
  }
  log.info(fmt::format("{} is whole: {} training and {} validation images in {} shards ({:.1f} MB, {})", index.string(),
                       set.train.table.size(), set.validation.table.size(), places.size(),
                       static_cast<double>(total.bytes) / 1e6, format_duration(progress.elapsed_s())));
}

}  // namespace incubate
