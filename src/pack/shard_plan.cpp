#include "pack/shard_plan.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "base/random.h"
#include "config/identity.h"

namespace incubate {

std::vector<SourceFile> order_files(const std::vector<SourceFile>& files, Split split) {
  check_input(files.size() < std::numeric_limits<std::uint32_t>::max(), "{} files are too many. Give fewer than 2^32.",
              files.size());
  const std::uint64_t address = split == Split::train ? 0 : 1;
  std::vector<SourceFile> ordered;
  ordered.reserve(files.size());
  for (const std::uint32_t i :
       make_permutation(static_cast<std::uint32_t>(files.size()), make_generator(0, Purpose::shards, {address}))) {
    ordered.push_back(files[i]);
  }
  return ordered;
}

std::vector<std::size_t> cut_into_parts(std::span<const std::int64_t> weights, std::int64_t target) {
  std::vector<std::size_t> begins;
  std::int64_t weight = target;  // the first item begins a part
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weight >= target) {
      begins.push_back(i);
      weight = 0;
    }
    weight += weights[i];
  }
  begins.push_back(weights.size());
  return begins;
}

std::vector<std::size_t> cut_into_shards(const std::vector<SourceFile>& files, std::int64_t shard_bytes,
                                         std::int64_t mean_bytes) {
  std::vector<std::int64_t> weights(files.size(), mean_bytes);
  if (mean_bytes == 0) std::ranges::transform(files, weights.begin(), &SourceFile::bytes);
  const std::int64_t total = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
  const std::int64_t num_shards = std::max<std::int64_t>(1, (total + shard_bytes - 1) / shard_bytes);
  return cut_into_parts(weights, std::max<std::int64_t>(1, (total + num_shards - 1) / num_shards));
}

std::string source_digest(const std::string& options, std::span<const SourceFile> files) {
  std::string text = options + '\n';
  for (const SourceFile& file : files) {
    text += fmt::format("{} {} {} {}", file.label, file.bytes, file.modified_ns, file.name) + '\0';
  }
  return hash_text(text);
}

}  // namespace incubate
