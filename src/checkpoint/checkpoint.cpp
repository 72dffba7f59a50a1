#include "checkpoint/checkpoint.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

#include <torch/torch.h>

#include "base/check.h"
#include "base/version.h"
#include "config/ini.h"
#include "config/method_table.h"

namespace incubate {
namespace {

constexpr const char* kFiletype = "incubate checkpoint";
constexpr std::int64_t kCheckpointVersion = 1;

CheckpointHeader read_header(const Hdf5File& file, const FilePath& path) {
  const std::string filetype = file.read_string_attribute("filetype");
  check_input(filetype == kFiletype, "{} has the file type '{}', not '{}'. Check the path.", path.string(), filetype,
              kFiletype);
  const std::int64_t version = file.read_int_attribute("version");
  check_input(version == kCheckpointVersion,
              "{} has version {} of its format; this program reads {}. Use the program that wrote it.", path.string(),
              version, kCheckpointVersion);
  CheckpointHeader header;
  header.training = file.read_string_attribute("training");
  header.step = file.read_int_attribute("step");
  header.identity = file.read_string_attribute("identity");
  header.identity_text = file.read_string_attribute("identity_text");
  header.config = file.read_string_attribute("config");
  if (file.contains("/arithmetic")) header.arithmetic = file.read_strings("/arithmetic");
  if (file.contains("/figures")) {
    for (const std::string& name : file.list("/figures")) {
      file.read_into<double>("/figures/" + name, std::span(&header.figures[name], 1));
    }
  }
  return header;
}

/// Reads the tensors below `group` into `state`. Members are groups for `levels_below` more levels.
void read_tensors(const Hdf5File& file, const std::string& group, int levels_below, StateDict& state) {
  if (!file.contains(group)) return;
  for (const std::string& name : file.list(group)) {
    const std::string key = group + "/" + name;
    if (levels_below > 0) {
      read_tensors(file, key, levels_below - 1, state);
      continue;
    }
    const std::vector<hsize_t> extents = file.shape(key);
    torch::Tensor tensor = torch::empty(std::vector<std::int64_t>(extents.begin(), extents.end()));
    file.read_into<float>(key, std::span(tensor.data_ptr<float>(), tensor.numel()));
    state.emplace(key, tensor);
  }
}

using Lines = std::vector<std::pair<std::string, std::string>>;

bool is_setting(const std::string& name) { return name.find('.') != std::string::npos; }
bool is_parent_line(const std::string& name) { return !is_setting(name) && find_row(name) != nullptr; }

/// The names and values that a training was, or is to be, made with.
class Origin {
 public:
  Origin(const std::string& identity_text, const std::string& config) {
    std::istringstream stream(identity_text);
    for (std::string line; std::getline(stream, line);) {
      const std::size_t equals = std::min(line.find('='), line.size());
      identity_.emplace_back(line.substr(0, equals), line.substr(std::min(equals + 1, line.size())));
    }
    try {
      config_ = split_ini(config, "the configuration");
    } catch (const InputError&) {
      config_.clear();  // of another program; only fills in what is said
    }
  }

  const Lines& identity() const { return identity_; }
  const Lines& config() const { return config_; }
  /// Returns the value; of a setting that the identity leaves out, as configured.
  std::optional<std::string> find(const std::string& name) const {
    for (const Lines* lines : {&identity_, &config_}) {
      const auto line = std::ranges::find(*lines, name, [](const auto& item) { return item.first; });
      if (line != lines->end()) return line->second;
    }
    return std::nullopt;
  }
  std::string quote(const std::string& name) const {
    const std::optional<std::string> value = find(name);
    return value ? fmt::format("'{}{}{}'", name, is_setting(name) ? "=" : " ", *value) : "'nothing'";
  }
  /// Returns the section of the training's own phase; empty if the identity does not tell.
  std::string section() const {
    const auto micro = std::ranges::find_if(identity_, [](const auto& line) { return line.first.ends_with(".micro"); });
    return micro == identity_.end() ? "" : micro->first.substr(0, micro->first.find('.'));
  }

 private:
  Lines identity_, config_;
};

/// Lists the names that differ. Where a value was made of settings, lists those of them that differ instead of it.
class Differences {
 public:
  Differences(const Origin& there, const Origin& here) : there_(there), here_(here) {
    for (const Origin* origin : {&there, &here}) {
      for (const auto& [name, value] : origin->identity()) add(name);
    }
    replace("depths", [](const std::string& name) { return name == "model.depths" || name == "model.meta_depths"; });
    const std::string epochs = here.section() + ".epochs";
    replace("steps", [&](const std::string& name) { return name == epochs; });
    if (here.find(epochs) == "matched") replace("steps", [](const auto& name) { return name.ends_with(".epochs"); });
    for (const auto& [parent, identity] : here.identity()) {
      const MethodRow* row = find_row(parent);
      if (row == nullptr) continue;
      replace(parent, [&](const std::string& name) {
        return std::ranges::any_of(lineage_of(row->phase),
                                   [&](Phase phase) { return name.starts_with(section_of(phase) + std::string(".")); });
      });
    }
    // An epoch has as many steps as the data and the batch make.
    if (has("data") || has("batch.global") || has("model.depths")) std::erase(names_, "steps");
    // Another training differs in much; a setting that parents have too makes them others.
    if (has("training")) names_ = {"training"};
    if (std::ranges::any_of(names_, is_setting)) std::erase_if(names_, is_parent_line);
    if (names_.size() > 1) std::erase(names_, "learning");
  }

  std::string text() const {
    std::string text;
    for (const std::string& name : names_) {
      text += fmt::format("{}{} there, {} here{}", text.empty() ? "" : "; ", there_.quote(name), here_.quote(name),
                          explain(name));
    }
    return text.empty() ? "no setting differs" : text;
  }
  std::size_t size() const { return names_.size(); }

 private:
  bool has(const std::string& name) const { return std::ranges::count(names_, name) > 0; }
  bool add(const std::string& name) {
    if (there_.find(name) == here_.find(name)) return false;
    if (!has(name)) names_.push_back(name);
    return true;
  }
  template <typename IsPart>
  void replace(const std::string& whole, const IsPart& is_part) {
    if (!has(whole)) return;
    bool is_replaced = false;
    for (const auto& [name, value] : here_.config()) is_replaced |= is_part(name) && add(name);
    if (is_replaced) std::erase(names_, whole);
  }
  /// Returns where the user sets a value that is no setting itself.
  std::string explain(const std::string& name) const {
    if (is_setting(name) || name == "training" || name == "learning") return "";
    if (name == "depths") return " (from model.depths and model.meta_depths)";
    if (name == "data") return " (the content of data.file)";
    if (name != "steps") return fmt::format(" ({} is what it starts from)", name);
    return here_.section().empty() ? "" : fmt::format(" (from {}.epochs)", here_.section());
  }

  const Origin& there_;
  const Origin& here_;
  std::vector<std::string> names_;
};

}  // namespace

std::string stage_key(std::int64_t stage_index, const std::string& parameter) {
  return fmt::format("/stages/{}/{}", stage_index, parameter);
}

std::string optimizer_key(std::int64_t stage_index, const std::string& parameter, const std::string& state) {
  return fmt::format("/optimizer/{}/{}/{}", stage_index, parameter, state);
}

std::string ema_key(std::int64_t stage_index, const std::string& parameter) {
  return fmt::format("/ema/{}/{}", stage_index, parameter);
}

void save_checkpoint(const FilePath& path, const Checkpoint& checkpoint, const std::function<void()>& before_rename) {
  write_verified_file(
      path,
      [&](Hdf5File& file) {
        const CheckpointHeader& header = checkpoint.header;
        file.write_attribute("filetype", kFiletype);
        file.write_attribute("version", kCheckpointVersion);
        file.write_attribute("git_sha1", kGitSha1);
        file.write_attribute("training", header.training);
        file.write_attribute("step", header.step);
        file.write_attribute("identity", header.identity);
        file.write_attribute("identity_text", header.identity_text);
        file.write_attribute("config", header.config);
        if (!header.arithmetic.empty()) file.write_strings("/arithmetic", header.arithmetic);
        for (const auto& [name, value] : header.figures) file.write("/figures/" + name, std::vector<double>{value});
        for (const auto& [key, tensor] : checkpoint.state) {
          const torch::Tensor values = tensor.detach().cpu().contiguous();
          file.write<float>(key, std::span<const float>(values.data_ptr<float>(), values.numel()),
                            std::vector<hsize_t>(values.sizes().begin(), values.sizes().end()));
        }
      },
      before_rename);
}

CheckpointHeader load_header(const FilePath& path) {
  VerifiedFiles none;
  return load_header(path, none);
}

Checkpoint load_checkpoint(const FilePath& path) {
  VerifiedFiles none;
  return load_checkpoint(path, none);
}

CheckpointHeader load_header(const FilePath& path, VerifiedFiles& verified) {
  verify_once(path, verified);
  return read_intact_file(path, [&path](const Hdf5File& file) { return read_header(file, path); });
}

Checkpoint load_checkpoint(const FilePath& path, VerifiedFiles& verified) {
  verify_once(path, verified);
  return read_intact_file(path, [&path](const Hdf5File& file) {
    Checkpoint checkpoint;
    checkpoint.header = read_header(file, path);
    read_tensors(file, "/stages", 1, checkpoint.state);
    read_tensors(file, "/optimizer", 2, checkpoint.state);
    read_tensors(file, "/ema", 1, checkpoint.state);
    return checkpoint;
  });
}

void check_identity(const FilePath& path, const CheckpointHeader& header, const std::string& identity,
                    const std::string& identity_text, const std::string& config) {
  if (header.identity == identity) return;
  const Origin there(header.identity_text, header.config), here(identity_text, config);
  const Differences differences(there, here);
  throw InputError(fmt::format("{} was made with other settings ({}). Give another run.directory, or {} back.",
                               path.string(), differences.text(),
                               differences.size() > 1 ? "those settings" : "that setting"));
}

}  // namespace incubate
