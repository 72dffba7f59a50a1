#include "pack/pack_job.h"

#include <algorithm>

#include "base/clean_text.h"
#include "pack/cifar.h"
#include "pack/pack_shard.h"
#include "vision/labelled_images.h"

namespace incubate {
namespace {

constexpr std::size_t kSampleSize = 512;  // images of a split that are encoded to estimate sizes

std::string join_names(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += name + '\0';
  return text;
}

std::vector<std::string> split_names(std::string_view text) {
  std::vector<std::string> names;
  for (std::size_t end = text.find('\0'); end != std::string_view::npos; end = text.find('\0')) {
    names.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return names;
}

/// Opens the folder on rank 0 and shares its classes with all ranks.
void open_folder(PackJob& job, const Communicator& world) {
  agree(world, [&] {
    if (world.is_leader()) job.folder = open_image_folder(job.config.folder);
  });
  job.folder.path = job.config.folder;
  job.folder.validation_name = world.broadcast(job.folder.validation_name, "telling of the folder");
  job.folder.class_folders = split_names(world.broadcast(join_names(job.folder.class_folders), "telling of classes"));
}

void name_classes(PackJob& job, const Communicator& world) {
  agree(world, [&] {
    if (!world.is_leader()) return;
    const std::string& names_file = job.config.class_names_file;
    if (names_file.empty()) {
      for (const std::string& folder : job.folder.class_folders) {
        job.class_names.push_back(clean_line(folder, "--folder=" + job.config.folder));
      }
      return;
    }
    job.class_names = read_class_names(names_file);
    check_input(job.class_names.size() == job.folder.class_folders.size(),
                "{} has {} names for {} classes in {}. Give one for each, in the sorted order of the folders.",
                names_file, job.class_names.size(), job.folder.class_folders.size(), job.config.folder);
  });
  job.class_names = split_names(world.broadcast(join_names(job.class_names), "telling of classes"));
}

/// Returns a split's files by class and name. Ranks list classes in turn.
std::vector<SourceFile> list_files(PackJob& job, Split split, const Communicator& world) {
  std::vector<SourceFile> mine;
  std::vector<std::string> strays;
  agree(world, [&] {
    for (std::int64_t label = world.rank(); label < job.num_classes(); label += world.size()) {
      std::vector<SourceFile> files = list_class(job.folder, split, label, strays);
      check_input(!files.empty(), "--folder={}: the class folder {}/{} has no files. Fill it, or take the class away.",
                  job.config.folder, job.folder.split_name(split), job.folder.class_folders[label]);
      std::ranges::move(files, std::back_inserter(mine));
    }
  });
  std::vector<SourceFile> files;
  for (const std::string& text : world.gather(to_text(mine), "telling of files")) append_from_text(text, files);
  std::ranges::stable_sort(files, {}, &SourceFile::label);  // each class is sorted already
  for (const std::string& text : world.gather(join_names(strays), "telling of files")) {
    std::ranges::move(split_names(text), std::back_inserter(job.folder.strays));
  }
  return files;
}

/// Returns the given share of each class's training images.
std::vector<SourceFile> take_share(const std::vector<SourceFile>& files, double share) {
  if (share >= 1) return files;
  std::vector<std::int64_t> labels(files.size());
  std::ranges::transform(files, labels.begin(), &SourceFile::label);
  std::vector<SourceFile> kept;
  for (const std::int64_t i : choose_subset(labels, share)) kept.push_back(files[i]);
  return kept;
}

/// Returns the mean bytes of a packed image, or 0 if images keep their size. The sample is the split's first images,
/// which are in random order. Ranks encode it in turn; the result is the same for any number of ranks.
std::int64_t estimate_mean_bytes(const PackJob& job, Split split, const Communicator& world) {
  if (!job.encoding.shorter_side) return 0;
  const std::vector<SourceFile>& files = job.files.at(split);
  std::vector<std::int64_t> sums = {0, 0};
  agree(world, [&] {
    for (std::size_t i = world.rank(); i < std::min(kSampleSize, files.size()); i += world.size()) {
      const PackedSize size = measure_files(job.source_of(split, std::span(files).subspan(i, 1)), job.encoding);
      sums[0] += size.bytes;
      sums[1] += size.images;
    }
  });
  world.all_reduce_sum(sums, "measuring some images");
  return sums[1] == 0 ? 1 : std::max<std::int64_t>(1, sums[0] / sums[1]);
}

void plan_shards(PackJob& job, const Communicator& world) {
  for (const Split split : kSplits) {
    const std::vector<SourceFile>& files = job.files.at(split);
    const std::vector<std::size_t> begins =
        cut_into_shards(files, job.config.shard_bytes(), estimate_mean_bytes(job, split, world));
    for (std::size_t i = 0; i + 1 < begins.size(); ++i) {
      ShardPlan shard{.split = split,
                      .index = static_cast<std::int64_t>(i),
                      .files = std::span(files).subspan(begins[i], begins[i + 1] - begins[i]),
                      .digest = {}};
      shard.digest = source_digest(fmt::format("version 1; {} {} of {}; {}; classes {}", to_string(split), i,
                                               begins.size() - 1, job.encoding.describe(), join_names(job.class_names)),
                                   shard.files);
      job.shards.push_back(std::move(shard));
    }
  }
}

}  // namespace

ShardSource PackJob::source_of(Split split, std::span<const SourceFile> some) const {
  const std::string name = folder.split_name(split);
  return {.split_folder = folder.path / name, .split_name = name, .files = some};
}

PackJob plan_packing(const PackConfig& config, const Communicator& world, Log& log) {
  PackJob job;
  job.config = config;
  job.encoding = {.shorter_side = config.shorter_side, .quality = config.quality};
  open_folder(job, world);
  name_classes(job, world);
  for (const Split split : kSplits) {
    const std::vector<SourceFile> all = list_files(job, split, world);
    job.files[split] = order_files(split == Split::train ? take_share(all, config.subset) : all, split);
  }
  log.info(fmt::format("{}: {} training and {} validation files in {} classes", config.folder,
                       job.files[Split::train].size(), job.files[Split::validation].size(), job.num_classes()));
  plan_shards(job, world);
  return job;
}

}  // namespace incubate
