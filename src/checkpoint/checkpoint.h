#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include <torch/types.h>

#include "base/figures.h"
#include "hdf5/verified_file.h"

namespace incubate {

/// What a checkpoint says of itself. See FORMAT.md.
struct CheckpointHeader {
  std::string training;
  std::int64_t step = 0;      ///< steps done
  std::string identity;       ///< hash of `identity_text`: only this decides whether files belong together
  std::string identity_text;  ///< the settings and parents that make the result, one a line
  std::string config;         ///< effective configuration, INI
  /// Figures for people and reports, such as "top1": none of them changes what is computed next.
  Figures figures;
};

/// Names to float tensors on the CPU: "/stages/<i>/<parameter>", "/optimizer/<i>/<parameter>/exp_avg",
/// "/ema/<i>/<parameter>".
using StateDict = std::map<std::string, torch::Tensor>;

struct Checkpoint {
  CheckpointHeader header;
  StateDict state;
};

std::string stage_key(std::int64_t stage_index, const std::string& parameter);
std::string optimizer_key(std::int64_t stage_index, const std::string& parameter, const std::string& state);
std::string ema_key(std::int64_t stage_index, const std::string& parameter);

/// Writes atomically; `before_rename` may refuse by throwing.
void save_checkpoint(const FilePath& path, const Checkpoint& checkpoint,
                     const std::function<void()>& before_rename = {});

/// Verifies and reads the header only. Throws InputError if the file is missing, damaged or not a checkpoint.
CheckpointHeader load_header(const FilePath& path);
/// Verifies and reads all.
Checkpoint load_checkpoint(const FilePath& path);
/// The same two, which verify the file unless it is in `verified`; then it is.
CheckpointHeader load_header(const FilePath& path, VerifiedFiles& verified);
Checkpoint load_checkpoint(const FilePath& path, VerifiedFiles& verified);

/// Throws InputError, naming the first setting that differs, unless the checkpoint has this identity.
void check_identity(const FilePath& path, const CheckpointHeader& header, const std::string& identity,
                    const std::string& identity_text);

}  // namespace incubate
