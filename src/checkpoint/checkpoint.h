#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <torch/types.h>

#include "base/figures.h"
#include "data/dataset_info.h"
#include "hdf5/verified_file.h"

namespace incubate {

/// Header of a checkpoint file (layout: FORMAT.md).
struct CheckpointHeader {
  std::string training = {};
  std::int64_t step = 0;                     ///< completed optimizer steps
  std::string identity;                      ///< hash of `identity_text`; decides alone whether files belong together
  std::string identity_text;                 ///< settings and parents that determine the result, one a line
  std::string config;                        ///< effective configuration, as INI
  std::vector<std::string> arithmetic = {};  ///< kinds of arithmetic of the training's steps (run/arithmetic.h)
  std::optional<DatasetInfo> data = {};      ///< what it trains on; older files do not say
  /// Figures for people and reports, such as "top1". They never change what is computed next.
  Figures figures = {};
};

/// Maps names to float tensors on the CPU. Names: "/stages/<i>/<parameter>", "/optimizer/<i>/<parameter>/exp_avg",
/// "/ema/<i>/<parameter>".
using StateDict = std::map<std::string, torch::Tensor>;

struct Checkpoint {
  CheckpointHeader header;
  StateDict state;
};

std::string stage_key(std::int64_t stage_index, const std::string& parameter);
std::string optimizer_key(std::int64_t stage_index, const std::string& parameter, const std::string& state);
std::string ema_key(std::int64_t stage_index, const std::string& parameter);

/// Writes a checkpoint atomically. `before_rename` may refuse by throwing.
void save_checkpoint(const FilePath& path, const Checkpoint& checkpoint,
                     const std::function<void()>& before_rename = {});

/// Verifies the file and returns its header. Throws InputError if the file is missing, damaged or not a checkpoint.
CheckpointHeader load_header(const FilePath& path);
/// Verifies the file and returns its header and all tensors. Throws as load_header() does.
Checkpoint load_checkpoint(const FilePath& path);
/// These overloads skip the verification of files in `verified` and add verified files to it.
CheckpointHeader load_header(const FilePath& path, VerifiedFiles& verified);
Checkpoint load_checkpoint(const FilePath& path, VerifiedFiles& verified);

/// Throws InputError with the settings that differ, unless the checkpoint has this identity. `config` is the effective
/// configuration, as INI: it has the values of settings that an identity leaves out.
void check_identity(const FilePath& path, const CheckpointHeader& header, const std::string& identity,
                    const std::string& identity_text, const std::string& config);

}  // namespace incubate
