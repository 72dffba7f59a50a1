#include "checkpoint/checkpoint.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/ranges.h>
#include <torch/torch.h>

#include "base/check.h"
#include "base/version.h"
#include "config/identity.h"

namespace incubate {
namespace {

constexpr const char* kFiletype = "incubate checkpoint";
constexpr std::int64_t kCheckpointVersion = 1;

void write_data(Hdf5File& file, const DatasetInfo& data) {
  for (const auto& [name, number] : list_numbers(data)) {
    file.write(std::string("/data/") + name, std::vector<std::int64_t>{*number});
  }
  if (!data.mean.empty()) {
    file.write("/data/mean", data.mean);
    file.write("/data/std", data.std);
  }
  file.write_strings("/data/class_names", data.class_names);
  file.write_strings("/data/digest", {data.digest});
}

std::optional<DatasetInfo> read_data(const Hdf5File& file) {
  if (!file.contains("/data")) return std::nullopt;
  DatasetInfo data;
  for (const auto& [name, number] : list_numbers(data)) {
    const std::string place = std::string("/data/") + name;
    if (number == &data.value_bytes && !file.contains(place)) continue;  // of a program that knew bytes alone
    file.read_into<std::int64_t>(place, std::span(number, 1));
  }
  if (file.contains("/data/mean")) {
    data.mean = file.read<double>("/data/mean");
    data.std = file.read<double>("/data/std");
  }
  data.class_names = file.read_strings("/data/class_names");
  const std::vector<std::string> digest = file.read_strings("/data/digest");
  check_running(digest.size() == 1, "/data/digest has {} values instead of 1", digest.size());
  data.digest = digest.front();
  return data;
}

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
  header.data = read_data(file);
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
        if (header.data) write_data(file, *header.data);
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
  const std::vector<std::string> differences =
      list_differences({header.identity_text, header.config}, {identity_text, config});
  throw InputError(
      fmt::format("{} was made with other settings ({}). Give another run.directory, or {} back.", path.string(),
                  differences.empty() ? "no setting differs" : fmt::format("{}", fmt::join(differences, "; ")),
                  differences.size() > 1 ? "those settings" : "that setting"));
}

}  // namespace incubate
