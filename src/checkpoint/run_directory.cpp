#include "checkpoint/run_directory.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <string_view>

#include "base/check.h"
#include "base/input_file.h"
#include "config/ini.h"
#include "hdf5/atomic_file.h"

namespace incubate {
namespace {

constexpr std::string_view kConfigMark = "# Written by incubate: the settings of the run in this folder";

/// Returns whether an INI file has just the settings of `text`.
bool has_settings(const std::filesystem::path& file, const std::string& text) {
  try {
    return split_ini(read_text_file(file), file.string()) == split_ini(text, file.string());
  } catch (const InputError&) {
    return false;
  }
}

}  // namespace

std::string RunDirectory::default_root(const Path& config_file) {
  const std::string name = config_file.stem().string();
  return "runs/" + (name.empty() ? "unnamed" : name);
}

void RunDirectory::create() const {
  check_own();
  std::error_code error;
  for (const Path& path : {root_ / "checkpoints", root_ / "metrics"}) {
    std::filesystem::create_directories(path, error);
    check_input(!error, "run.directory={} cannot be made: {}: {}. Choose another place.", root_.string(), path.string(),
                error.message());
    const Path probe = draft_of(path / "probe");
    const bool can_write = std::ofstream(probe).put('\n').flush().good();
    std::filesystem::remove(probe, error);
    check_input(can_write, "run.directory={} cannot be written: no permission or no space in {}. Choose another place.",
                root_.string(), path.string());
  }
}

void RunDirectory::write_config(const std::string& settings) const {
  if (has_settings(config(), settings)) return;
  replace_text_atomically(config(), std::string(kConfigMark) + ".\n\n" + settings);
}

bool RunDirectory::is_own() const {
  std::error_code ignored;
  if (!std::filesystem::exists(config(), ignored)) return false;
  if (read_input_file(config()).find(kConfigMark) != std::string::npos) return true;
  // An older version marked only its summary. Results that were kept have no checkpoints, and are no run.
  return std::filesystem::exists(root_ / "checkpoints", ignored) && std::filesystem::exists(summary(), ignored) &&
         read_input_file(summary()).find("\"git_sha1\"") != std::string::npos;
}

/// Refuses files that a run would replace. Others, such as copied checkpoints, are verified when they are read.
void RunDirectory::check_own() const {
  if (is_own()) return;
  for (const Path& path : {config(), summary(), log(), metrics_index()}) {
    check_input(!std::filesystem::exists(path),
                "run.directory={} has {}, which no run of this program wrote, and which a run would replace. Choose "
                "another run.directory, or move that file away.",
                root_.string(), path.filename().string());
  }
}

RunDirectory::Path RunDirectory::resume_point(const std::string& training, std::int64_t step) const {
  return resume_directory(training) / fmt::format("step_{:07}.h5", step);
}

std::vector<std::int64_t> RunDirectory::list_resume_points(const std::string& training) const {
  std::vector<std::int64_t> steps;
  std::error_code error;
  const std::filesystem::directory_iterator entries(resume_directory(training), error);
  const bool is_missing = error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
  check_input(!error || is_missing, "{} cannot be read: {}. The checkpoints in it are needed to go on.",
              resume_directory(training).string(), error.message());
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("step_") || !name.ends_with(".h5")) continue;
    std::int64_t step = 0;
    const char* begin = name.data() + 5;
    const char* end = name.data() + name.size() - 3;
    if (const auto [stopped_at, code] = std::from_chars(begin, end, step); code == std::errc{} && stopped_at == end) {
      steps.push_back(step);
    }
  }
  std::ranges::sort(steps, std::greater<>());
  return steps;
}

void RunDirectory::prune_resume_points(const std::string& training, std::int64_t keep,
                                       const std::vector<std::int64_t>& rejected) const {
  for (const std::int64_t step : rejected) std::filesystem::remove(resume_point(training, step));
  const std::vector<std::int64_t> steps = list_resume_points(training);
  for (std::size_t i = keep; i < steps.size(); ++i) std::filesystem::remove(resume_point(training, steps[i]));
  std::error_code error;
  if (keep == 0) std::filesystem::remove(resume_directory(training), error);
}

void RunDirectory::remove_drafts(const std::string& training) const {
  incubate::remove_drafts(resume_directory(training), "");
  for (const Path& path : {finished(training), metrics(training)}) {
    incubate::remove_drafts(path.parent_path(), path.filename().string() + ".");
  }
}

}  // namespace incubate
