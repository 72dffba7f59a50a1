#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace incubate {

/// Builds every path of a run (layout: FORMAT.md).
class RunDirectory {
 public:
  using Path = std::filesystem::path;

  explicit RunDirectory(Path root) : root_(std::move(root)) {}
  /// Returns runs/NAME for input/NAME.ini.
  static std::string default_root(const Path& config_file);

  /// Creates the directories. Throws InputError if they cannot be written, or if files of a run's names are there that
  /// no run wrote.
  void create() const;
  /// Writes config.ini: a mark by which is_own() knows the folder again, and the settings. A file that has just these
  /// settings stays as it is, with the user's notes in it.
  void write_config(const std::string& settings) const;
  /// Returns whether this program wrote the folder's config.ini.
  bool is_own() const;

  const Path& root() const { return root_; }
  Path config() const { return root_ / "config.ini"; }
  Path summary() const { return root_ / "summary.json"; }
  Path log() const { return root_ / "log.txt"; }
  Path metrics_index() const { return root_ / "metrics.h5"; }
  Path metrics(const std::string& training) const { return root_ / "metrics" / (training + ".h5"); }
  /// Profile of the trainings of one group: "meta" or "stage_0+stage_1".
  Path profile(const std::string& trainings) const { return root_ / "profile" / (trainings + ".json"); }
  /// A training's finished weights.
  Path finished(const std::string& training) const { return root_ / "checkpoints" / (training + ".h5"); }
  Path lock(const std::string& training) const { return root_ / "checkpoints" / (training + ".lock"); }
  /// A checkpoint to resume from.
  Path resume_point(const std::string& training, std::int64_t step) const;

  /// Returns the steps of the checkpoints to resume from, the latest first. Throws InputError if their directory exists
  /// but cannot be read.
  std::vector<std::int64_t> list_resume_points(const std::string& training) const;
  /// Removes the steps `rejected`, then the oldest of the rest until `keep` remain.
  void prune_resume_points(const std::string& training, std::int64_t keep,
                           const std::vector<std::int64_t>& rejected = {}) const;
  /// Removes drafts of checkpoints and metrics that killed writers left. REQUIRES: this job holds the training's lock,
  /// or the training is done.
  void remove_drafts(const std::string& training) const;

 private:
  Path resume_directory(const std::string& training) const { return root_ / "checkpoints" / training; }
  void check_own() const;

  Path root_;
};

}  // namespace incubate
