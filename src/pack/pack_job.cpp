#include "pack/pack_job.h"

#include <algorithm>
#include <tuple>

#include "base/clean_text.h"
#include "config/identity.h"
#include "hdf5/verified_file.h"
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

/// The lowest rank that sees the same folder, for each rank: one number where all hosts share it.
using Views = std::vector<std::int64_t>;

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

/// Compares the folders of the classes as every rank sees them. A folder that is the same one has the same entries.
Views compare_folders(const PackJob& job, const Communicator& world) {
  std::string seen;
  for (const Split split : kSplits) {
    const FilePath folder = job.folder.path / job.folder.split_name(split);
    seen += identify_file(folder) + '\n';
    for (const std::string& name : job.folder.class_folders) seen += identify_file(folder / name) + '\n';
  }
  const std::vector<std::string> all = world.gather(hash_text(seen), "comparing the folders");
  Views views;
  for (const std::string& one : all) views.push_back(std::ranges::find(all, one) - all.begin());
  return views;
}

/// Runs `look` on every rank. Where it throws on a rank that sees another folder than rank 0, says so. Collective.
void look_together(const PackJob& job, const Views& views, const Communicator& world,
                   const std::function<void()>& look) {
  agree(world, [&] {
    try {
      look();
    } catch (const std::runtime_error& error) {
      if (views[world.rank()] == 0) throw;
      throw InputError(fmt::format(
          "{} sees another --folder={} than {}: {} Every host must see the same files, copies with their times "
          "(cp --archive).",
          world.member_name(world.rank()), job.config.folder, world.member_name(0), error.what()));
    }
  });
}

/// Throws InputError naming the first difference, unless this host's files are those of rank 0.
void check_same(const std::vector<SourceFile>& here, const std::vector<SourceFile>& there, const std::string& split) {
  const auto [ours, theirs] = std::ranges::mismatch(here, there);
  if (ours == here.end() && theirs == there.end()) return;
  const auto place_of = [](const SourceFile& file) { return std::tie(file.label, file.name); };
  if (ours == here.end() || (theirs != there.end() && place_of(*theirs) < place_of(*ours))) {
    throw InputError(fmt::format("it lacks {}/{}.", split, theirs->name));
  }
  if (theirs == there.end() || place_of(*ours) < place_of(*theirs)) {
    throw InputError(fmt::format("it has {}/{} as well.", split, ours->name));
  }
  check_input(ours->bytes == theirs->bytes, "its {}/{} has {} bytes, not {}.", split, ours->name, ours->bytes,
              theirs->bytes);
  throw InputError(fmt::format("its {}/{} was changed at another time.", split, ours->name));
}

/// Returns a split's files by class and name. Ranks that see the same folder list its classes in turn.
std::vector<SourceFile> list_files(PackJob& job, Split split, const Views& views, const Communicator& world) {
  const auto own = views.begin() + world.rank();
  const std::int64_t num_lists = std::ranges::count(views, *own);
  std::vector<SourceFile> mine;
  std::vector<std::string> strays;
  look_together(job, views, world, [&] {
    for (std::int64_t label = std::count(views.begin(), own, *own); label < job.num_classes(); label += num_lists) {
      std::vector<SourceFile> files = list_class(job.folder, split, label, strays);
      check_input(
          !files.empty(),
          "--folder={}: the class folder {}/{} has no files (those in its folders do not count). Fill it, or take "
          "the class away.",
          job.config.folder, job.folder.split_name(split), job.folder.class_folders[label]);
      std::ranges::move(files, std::back_inserter(mine));
    }
  });
  const std::vector<std::string> lists = world.gather(to_text(mine), "telling of files");
  const auto files_of_view = [&](std::int64_t view) {
    std::vector<SourceFile> files;
    for (std::size_t i = 0; i < lists.size(); ++i) {
      if (views[i] == view) append_from_text(lists[i], files);
    }
    std::ranges::stable_sort(files, {}, &SourceFile::label);  // each class is sorted already
    return files;
  };
  std::vector<SourceFile> files = files_of_view(0);
  look_together(job, views, world, [&] {
    if (*own != 0) check_same(files_of_view(*own), files, job.folder.split_name(split));
  });
  const std::vector<std::string> all_strays = world.gather(join_names(strays), "telling of files");
  for (std::size_t i = 0; i < all_strays.size(); ++i) {
    if (views[i] == 0) std::ranges::move(split_names(all_strays[i]), std::back_inserter(job.folder.strays));
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
  const Views views = compare_folders(job, world);
  look_together(job, views, world, [&] {
    if (views[world.rank()] == 0) return;
    const std::vector<std::string> classes = open_image_folder(job.folder.path).class_folders;
    check_input(classes == job.folder.class_folders, "it has {} classes, not {}, or of other names.", classes.size(),
                job.folder.class_folders.size());
  });
  for (const Split split : kSplits) {
    const std::vector<SourceFile> all = list_files(job, split, views, world);
    job.files[split] = order_files(split == Split::train ? take_share(all, config.subset) : all, split);
  }
  log.info(fmt::format("{}: {} training and {} validation files in {} classes", config.folder,
                       job.files[Split::train].size(), job.files[Split::validation].size(), job.num_classes()));
  plan_shards(job, world);
  return job;
}

}  // namespace incubate
