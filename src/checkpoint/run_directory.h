#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace incubate {

/// The files of a run. Every path is built here; see FORMAT.md.
class RunDirectory {
 public:
  using Path = std::filesystem::path;

  explicit RunDirectory(Path root) : root_(std::move(root)) {}
  /// runs/NAME for input/NAME.ini.
  static std::string default_root(const Path& config_file);

  /// Makes the directories. Throws InputError if they cannot be written.
  void create() const;

  const Path& root() const { return root_; }
  Path config() const { return root_ / "config.ini"; }
  Path summary() const { return root_ / "summary.json"; }
  Path log() const { return root_ / "log.txt"; }
  Path metrics_index() const { return root_ / "metrics.h5"; }
  Path metrics(const std::string& training) const { return root_ / "metrics" / (training + ".h5"); }
  /// A profile of the trainings that a group carried on: "meta" or "stage_0+stage_1".
  Path profile(const std::string& trainings) const { return root_ / "profile" / (trainings + ".json"); }
  /// The finished weights of a training.
  Path finished(const std::string& training) const { return root_ / "checkpoints" / (training + ".h5"); }
  Path lock(const std::string& training) const { return root_ / "checkpoints" / (training + ".lock"); }
  /// A checkpoint to resume from.
  Path resume_point(const std::string& training, std::int64_t step) const;

  /// Steps of the checkpoints to resume from, the latest first (in numeric order). Throws InputError if their directory
  /// is there but cannot be read.
  std::vector<std::int64_t> list_resume_points(const std::string& training) const;
  /// Removes the steps `rejected`, and all but the latest `keep` of the others.
  void prune_resume_points(const std::string& training, std::int64_t keep,
                           const std::vector<std::int64_t>& rejected = {}) const;
  /// Removes the drafts that killed writers left of the training's checkpoints and metrics. REQUIRES: this job holds
  /// the training's lock, or the training is done.
  void remove_drafts(const std::string& training) const;

 private:
  Path resume_directory(const std::string& training) const { return root_ / "checkpoints" / training; }

  Path root_;
};

}  // namespace incubate
