#include "pack/pack_image_set.h"

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>

#include "base/input_file.h"
#include "checkpoint/lock.h"
#include "pack/pack.h"
#include "pack/pack_job.h"
#include "pack/shard_progress.h"

namespace incubate {
namespace {

constexpr double kMuchLeftOut = 0.05;  // share of a class that is worth a warning

/// Returns whether the shard's file exists, is undamaged, and was made of these files without converting any. Throws
/// InputError if the file is no shard, and so must not be replaced.
bool is_there(const PackJob& job, const ShardPlan& shard) {
  const FilePath path = job.path_of(shard);
  if (!std::filesystem::exists(path)) return false;
  try {
    verify_file(path);
    const ImageShard found = read_shard(path).shard;
    return found.source_digest == shard.digest &&
           std::ranges::count(found.problems, PackProblem::Kind::converted, &PackProblem::kind) == 0;
  } catch (const InputError&) {
    check_replaceable(path, {kShardFiletype});
    return false;  // pack it again
  }
}

/// Returns the missing shards. Ranks look for them in turn.
std::vector<ShardPlan> find_missing_shards(const PackJob& job, const Communicator& world) {
  std::vector<std::int64_t> is_found(job.shards.size(), 0);
  agree(world, [&] {
    for (std::size_t i = world.rank(); i < job.shards.size(); i += world.size()) {
      is_found[i] = is_there(job, job.shards[i]) ? 1 : 0;
    }
  });
  world.all_reduce_sum(is_found, "looking for shards");
  std::vector<ShardPlan> missing;
  for (std::size_t i = 0; i < job.shards.size(); ++i) {
    if (is_found[i] == 0) missing.push_back(job.shards[i]);
  }
  return missing;
}

void make_shard(const PackJob& job, const ShardPlan& plan, ShardProgress& progress) {
  ImageShard shard{.split = plan.split,
                   .index = plan.index,
                   .source_digest = plan.digest,
                   .class_names = job.class_names,
                   .table = {},
                   .files = {},
                   .problems = {}};
  const std::vector<std::uint8_t> bytes =
      pack_files(job.source_of(plan.split, plan.files), job.encoding, shard,
                 [&](std::int64_t read) { progress.add({.images = 1, .bytes = read}); });
  write_shard(job.path_of(plan), shard, bytes);
}

/// Makes the missing shards, ranks in turn. First removes the index, which no longer fits them.
void make_shards(const PackJob& job, const std::vector<ShardPlan>& missing, const Communicator& world, Log& log) {
  if (missing.empty()) return;
  ShardProgress::Amount total;
  for (const ShardPlan& plan : missing) {
    total.images += static_cast<std::int64_t>(plan.files.size());
    total.bytes += plan.num_bytes();
  }
  const auto num_missing = static_cast<int>(missing.size());
  log.info(fmt::format("{} of {} shards to make, of {} images and {:.1f} MB, on {} ranks", num_missing,
                       job.shards.size(), total.images, static_cast<double>(total.bytes) / 1e6, world.size()));
  if (num_missing < world.size()) {
    log.info(fmt::format("{} ranks have nothing to do: a smaller --shard-mb would make more shards.",
                         world.size() - num_missing));
  }
  agree(world, [&] {
    if (world.is_leader()) std::filesystem::remove(job.index());
  });
  ShardProgress progress(world, "pack", total);
  progress.run([&] {
    for (int i = world.rank(); i < num_missing; i += world.size()) make_shard(job, missing[i], progress);
  });
  const double elapsed_s = std::max(1e-3, progress.elapsed_s());
  log.info(fmt::format("packed {} images in {} ({:.0f} images/s, {:.1f} MB/s)", total.images,
                       format_duration(elapsed_s), static_cast<double>(total.images) / elapsed_s,
                       static_cast<double>(total.bytes) / 1e6 / elapsed_s));
}

/// Returns the set of all shards, and their problems in `problems`.
ImageSet collect_set(const PackJob& job, std::vector<PackProblem>& problems) {
  ImageSet set;
  set.class_names = job.class_names;
  PixelSums sums;
  bool has_sums = true;  // of every shard; those of older programs have none
  for (const ShardPlan& plan : job.shards) {
    const ShardFile file = read_shard(job.path_of(plan));
    std::ranges::copy(file.shard.problems, std::back_inserter(problems));
    // If all of a shard's files were left out, its file stays, to avoid making it again, but not in the set.
    if (file.shard.table.size() > 0) {
      set.has_png |= file.shard.has_png;
      has_sums &= !file.shard.sums.values.empty();
      if (has_sums && plan.split == Split::train) sums.add(file.shard.sums);
      set.split(plan.split).append(job.path_of(plan).filename().string(), file);
    }
  }
  if (has_sums && sums.num_pixels > 0) set.statistics = to_statistics(sums, 1);
  std::ranges::copy(job.source.left_out, std::back_inserter(problems));
  std::ranges::sort(problems, {}, &PackProblem::file);
  return set;
}

/// Checks that every class has images left. Warns of classes that lost many.
void check_classes(const PackJob& job, const ImageSet& set, Log& log) {
  for (const Split split : kSplits) {
    std::vector<std::int64_t> num_listed(job.class_names.size(), 0);
    std::vector<std::int64_t> num_packed(job.class_names.size(), 0);
    for (const SourceFile& file : job.files.at(split)) ++num_listed[file.label];
    for (const std::int64_t label : set.split(split).table.labels) ++num_packed[label];
    for (std::size_t i = 0; i < num_listed.size(); ++i) {
      const std::string name = job.source.split_names.at(split) + "/" + job.classes[i];
      check_input(num_packed[i] > 0,
                  "{}: none of the {} files of {} can be used ({} says why). Mend them, or take the class away.",
                  describe_source(job.config), num_listed[i], name, problems_path(job.index()).string());
      const std::int64_t num_left_out = num_listed[i] - num_packed[i];
      if (static_cast<double>(num_left_out) > kMuchLeftOut * static_cast<double>(num_listed[i])) {
        log.warn(fmt::format("{}: {} of {} files are left out ({} says why)", name, num_left_out, num_listed[i],
                             problems_path(job.index()).string()));
      }
    }
  }
}

/// Throws InputError if the file for problems exists and has other text.
void check_problems_file(const FilePath& path) {
  if (!std::filesystem::exists(path)) return;
  std::istringstream lines(read_input_file(path));
  for (std::string line; std::getline(lines, line);) {
    const bool is_problem = std::ranges::any_of(kPackProblemKinds, [&](PackProblem::Kind kind) {
      return line.find(fmt::format(": {}: ", to_string(kind))) != std::string::npos;
    });
    check_input(is_problem,
                "{} would be replaced by the list of files that are left out, but has other text. Choose another "
                "--output, or move that file away.",
                path.string());
  }
}

/// Returns the name of a file with its line ends spelled out.
std::string on_one_line(std::string name) {
  for (std::size_t end = name.find('\n'); end != std::string::npos; end = name.find('\n')) name.replace(end, 1, "\\n");
  return name;
}

void write_problems(const PackJob& job, const std::vector<PackProblem>& problems) {
  std::string text;
  for (const PackProblem& p : problems) {
    text += fmt::format("{}: {}: {}\n", on_one_line(p.file), to_string(p.kind), p.reason);
  }
  const FilePath path = problems_path(job.index());
  if (problems.empty()) {
    std::filesystem::remove(path);
  } else {
    replace_text_atomically(path, text);
  }
}

bool is_the_same(const FilePath& index, const ImageSet& set) {
  if (!std::filesystem::exists(index)) return false;
  try {
    return read_image_set(index) == set;
  } catch (const InputError&) {
    return false;
  }
}

void say_what_was_odd(const PackJob& job, const std::vector<PackProblem>& problems, Log& log) {
  std::map<PackProblem::Kind, std::int64_t> count;
  std::string folders;
  for (const PackProblem& problem : problems) {
    ++count[problem.kind];
    if (problem.reason == kNoSplit) folders += (folders.empty() ? "" : ", ") + problem.file + "/";
  }
  if (!folders.empty()) log.info(fmt::format("{}: {} left out: {}", describe_source(job.config), folders, kNoSplit));
  if (problems.empty()) return;
  log.info(fmt::format("{} files left out, {} misnamed: {}", count[PackProblem::Kind::left_out],
                       count[PackProblem::Kind::misnamed], problems_path(job.index()).string()));
}

/// Warns of shards that an earlier packing with other options left and that are not in the set.
void say_what_is_left_over(const PackJob& job, Log& log) {
  std::vector<std::string> names;
  for (const Split split : kSplits) {
    // Shards are numbered without gaps.
    for (std::int64_t i = std::ranges::count(job.shards, split, &ShardPlan::split);; ++i) {
      const std::string name = shard_name(job.index(), split, i);
      if (!std::filesystem::exists(job.index().parent_path() / name)) break;
      names.push_back(name);
    }
  }
  if (names.empty()) return;
  log.warn(fmt::format("{} to {} are left of an earlier packing and no part of the set: remove them.", names.front(),
                       names.back()));
}

/// Writes the index of all shards. For rank 0.
void write_index(const PackJob& job, Log& log) {
  std::vector<PackProblem> problems;
  const ImageSet set = collect_set(job, problems);
  write_problems(job, problems);
  say_what_was_odd(job, problems, log);
  check_classes(job, set, log);
  const bool was_complete = is_the_same(job.index(), set);
  if (!was_complete) write_image_set(job.index(), set);
  say_what_is_left_over(job, log);
  if (!set.statistics.mean.empty()) log.info("pixels to train on: " + to_text(set.statistics));
  log.info(fmt::format("{} {}: {} training and {} validation images in {} shards, {} classes", job.config.output,
                       was_complete ? "is complete" : "written", set.train.table.size(), set.validation.table.size(),
                       set.train.num_shards() + set.validation.num_shards(), set.class_names.size()));
}

}  // namespace

void pack_image_set(const PackConfig& config, Communicator& world, Log& log) {
  const PackJob job = plan_packing(config, world, log);
  std::optional<Lock> lock;  // only on rank 0
  agree(world, [&] {
    if (!world.is_leader()) return;
    check_output(config);
    check_problems_file(problems_path(job.index()));
    LockOptions options{.work = config.output, .remedy = "Choose another --output."};
    options.tell = [&log](const std::string& message) { log.info(message); };
    lock.emplace(config.output + ".lock", options);
  });
  const std::string token = world.broadcast(lock ? lock->token() : "", "sharing the lock");
  agree(world, [&] {
    check_input(sees_lock(config.output + ".lock", token, kLockPatience),
                "{} does not see what {} writes to --output={} (all write shards there). Give a place that all hosts "
                "share, by its absolute path.",
                world.member_name(world.rank()), world.member_name(0), config.output);
  });
  make_shards(job, find_missing_shards(job, world), world, log);
  agree(world, [&] {
    if (world.is_leader()) write_index(job, log);
  });
}

}  // namespace incubate
