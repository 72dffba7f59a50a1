#include "pack/pack_job.h"

#include <algorithm>
#include <tuple>

#include "base/clean_text.h"
#include "config/identity.h"
#include "config/setting.h"
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

/// The lowest rank that sees the same folder, for each rank: one number where all hosts share it.
using Views = std::vector<std::int64_t>;

/// Opens the source on rank 0 and shares what it has with all ranks.
void open_together(PackJob& job, const Communicator& world) {
  agree(world, [&] {
    if (world.is_leader()) job.source = open_source(job.config);
  });
  job.source = source_from_text(world.broadcast(to_text(job.source), "telling of the source"));
}

/// Compares the folders, archives and tables as every rank sees them. A folder that is the same has the same entries.
Views compare_places(const Source& source, const Communicator& world) {
  std::string seen;
  FilePath last;
  for (const SourcePart& part : source.parts) {
    if (part.path() != last) seen += identify_file(part.path()) + '\n';
    last = part.path();
  }
  const std::vector<std::string> all = world.gather(hash_text(seen), "comparing the source");
  Views views;
  for (const std::string& one : all) views.push_back(std::ranges::find(all, one) - all.begin());
  return views;
}

/// Runs `look` on every rank. Where it throws on a rank that sees another source than rank 0, says so. Collective.
void look_together(const PackJob& job, const Views& views, const Communicator& world,
                   const std::function<void()>& look) {
  agree(world, [&] {
    try {
      look();
    } catch (const std::runtime_error& error) {
      if (views[world.rank()] == 0) throw;
      throw InputError(fmt::format(
          "{} sees another {} than {}: {} Every host must see the same files, copies with their times (cp "
          "--archive).",
          world.member_name(world.rank()), describe_source(job.config), world.member_name(0), error.what()));
    }
  });
}

/// Throws InputError naming the first difference, unless this host's files are those of rank 0.
void check_same(const Listing& here, const Listing& there, const std::string& split) {
  const auto [ours, theirs] = std::ranges::mismatch(here.files, there.files);
  const bool has_none = ours == here.files.end(), needs_none = theirs == there.files.end();
  if (has_none && needs_none && here.classes == there.classes) return;
  const auto place_of = [](const Listing& listing, const SourceFile& file) {
    return std::tie(listing.classes[file.label], file.name);
  };
  if (has_none || (!needs_none && place_of(there, *theirs) < place_of(here, *ours))) {
    throw InputError(fmt::format("it lacks {}/{}.", split, theirs->name));
  }
  if (needs_none || place_of(here, *ours) < place_of(there, *theirs)) {
    throw InputError(fmt::format("it has {}/{} as well.", split, ours->name));
  }
  check_input(ours->bytes == theirs->bytes, "its {}/{} has {} bytes, not {}.", split, ours->name, ours->bytes,
              theirs->bytes);
  throw InputError(
      fmt::format("its {}/{} was changed at another time, or lies elsewhere in its archive.", split, ours->name));
}

/// Returns a split's files by class and name. Ranks that see the same source list its parts in turn.
Listing list_split(PackJob& job, Split split, const Views& views, const Communicator& world) {
  const auto own = views.begin() + world.rank();
  const std::int64_t num_lists = std::ranges::count(views, *own);
  std::int64_t turn = std::count(views.begin(), own, *own);
  Listing mine;
  look_together(job, views, world, [&] {
    for (std::size_t part = 0; part < job.source.parts.size(); ++part) {
      if (job.source.parts[part].split != split) continue;
      if (turn == 0) mine.append(list_part(job.config, job.source, static_cast<std::int64_t>(part)));
      turn = turn == 0 ? num_lists - 1 : turn - 1;
    }
  });
  const std::vector<std::string> lists = world.gather(to_text(mine), "telling of files");
  const auto listing_of_view = [&](std::int64_t view) {
    Listing all;
    for (std::size_t i = 0; i < lists.size(); ++i) {
      if (views[i] == view) all.append(listing_from_text(lists[i]));
    }
    all.sort(has_labels(job.config.format), job.source);
    return all;
  };
  const std::string& split_name = job.source.split_names[split];
  Listing listing;
  look_together(job, views, world, [&] {
    listing = listing_of_view(0);
    if (*own != 0) check_same(listing_of_view(*own), listing, split_name);
    check_input(!listing.files.empty(), "{} has no {} images. Name files with some.", describe_source(job.config),
                to_string(split));
  });
  std::ranges::move(listing.left_out, std::back_inserter(job.source.left_out));
  return listing;
}

/// Checks that classes that are numbers have no gap, and are as many as names are given (if any).
void check_class_numbers(const PackJob& job, const Listing& listing, std::int64_t num_names) {
  const std::string origin = describe_source(job.config);
  const std::int64_t most = num_names == 0 ? job.num_classes() : num_names;
  std::int64_t good = 0;
  while (good < std::min(most, job.num_classes()) && to_class_number(job.classes[good]) == good) ++good;
  if (good < job.num_classes()) {
    const std::string& label = job.classes[good];
    const std::string& file = std::ranges::find(listing.files, good, &SourceFile::label)->name;
    check_input(good < most, "{}: label {} of {} is not below the number of classes, {}. Give a name for every class.",
                origin, label, file, num_names);
    throw InputError(fmt::format(
        "{}: {} has the label {}, but no image has {} (labels that are numbers count from 0 without a gap). Number the "
        "classes anew.",
        origin, file, label, good));
  }
  check_input(most == good, "{}: no image is of class {}, but {} names are given. Give one for each class.", origin,
              good, num_names);
}

/// Returns the names of the classes: those that the user gives, else as the source has them.
std::vector<std::string> name_classes(const PackJob& job, const Listing& listing) {
  const std::string& file = job.config.class_names_file;
  const std::string origin = describe_source(job.config);
  std::vector<std::string> names = file.empty() ? job.config.class_names : read_class_names(file);
  const bool are_numbers =
      std::ranges::all_of(job.classes, [](const std::string& name) { return to_class_number(name) >= 0; });
  if (!has_labels(job.config.format)) {
    check_input(names.empty() || std::ssize(names) == job.num_classes(),
                "{} has {} names for {} classes in {}. Give one for each, in the sorted order of the folders.", file,
                names.size(), job.num_classes(), origin);
  } else if (are_numbers) {
    check_class_numbers(job, listing, std::ssize(names));
  } else {
    check_input(names.empty(),
                "{}: class names are given, but its labels are names already, such as '{}'. Leave one out.", origin,
                job.classes.back());
  }
  if (names.empty()) {
    for (const std::string& name : job.classes) names.push_back(clean_line(name, origin));
  }
  return names;
}

/// Sets the classes, which both splits must have, and their names. Collective.
void settle_classes(PackJob& job, const Listing& train, const Listing& validation, const Communicator& world) {
  job.classes = train.classes;
  std::vector<std::string> names;
  agree(world, [&] {
    if (!world.is_leader()) return;
    const std::string origin = describe_source(job.config);
    check_same_classes(origin, job.source, train.classes, validation.classes);
    check_input(job.num_classes() > 1, "{}: '{}' is the only class (training needs two classes). Name files with all.",
                origin, job.classes.front());
    names = name_classes(job, train);
  });
  from_text("", world.broadcast(to_text(names), "telling of classes"), job.class_names);
}

std::vector<std::int64_t> labels_of(const std::vector<SourceFile>& files) {
  std::vector<std::int64_t> labels(files.size());
  std::ranges::transform(files, labels.begin(), &SourceFile::label);
  return labels;
}

std::vector<SourceFile> take_files(const std::vector<SourceFile>& files, std::span<const std::int64_t> indices) {
  std::vector<SourceFile> taken;
  for (const std::int64_t i : indices) taken.push_back(files[i]);
  return taken;
}

/// Returns the given share of each class's training images.
std::vector<SourceFile> take_share(const std::vector<SourceFile>& files, double share) {
  if (share >= 1) return files;
  return take_files(files, choose_subset(labels_of(files), share));
}

/// Moves a share of each class's training images to a validation split.
Listing take_validation(const PackConfig& config, Listing& train, Log& log) {
  const SplitIndices split =
      choose_validation(labels_of(train.files), *config.validation_share, config.seed, train.classes);
  log.info(describe_validation(config, std::ssize(split.validation), std::ssize(train.files)));
  Listing validation;
  validation.classes = train.classes;
  validation.files = take_files(train.files, split.validation);
  train.files = take_files(train.files, split.kept);
  return validation;
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
  return {.parts = source.parts, .split_name = source.split_names.at(split), .files = some};
}

PackJob plan_packing(const PackConfig& config, const Communicator& world, Log& log) {
  PackJob job;
  job.config = config;
  job.encoding = {.shorter_side = config.shorter_side, .quality = config.quality};
  open_together(job, world);
  const Views views = compare_places(job.source, world);
  look_together(job, views, world, [&] {
    if (views[world.rank()] == 0) return;
    const std::vector<SourcePart> parts = open_source(config).parts;
    check_input(parts == job.source.parts, "it has {} class folders or archives, not {}, or others.", parts.size(),
                job.source.parts.size());
  });
  Listing train = list_split(job, Split::train, views, world);
  Listing validation;
  if (config.validation_share) {
    agree(world, [&] { validation = take_validation(config, train, log); });
  } else {
    validation = list_split(job, Split::validation, views, world);
  }
  settle_classes(job, train, validation, world);
  job.files[Split::train] = order_files(take_share(train.files, config.subset), Split::train);
  job.files[Split::validation] = order_files(validation.files, Split::validation);
  log.info(fmt::format("{}: {} training and {} validation files in {} classes", describe_source(config),
                       job.files[Split::train].size(), job.files[Split::validation].size(), job.num_classes()));
  plan_shards(job, world);
  return job;
}

}  // namespace incubate
