#pragma once

#include <cstdint>
#include <functional>

#include "checkpoint/checkpoint.h"

namespace incubate {

/// The weights of other programs: a file of named float tensors in the safetensors format (see FORMAT.md).

/// Told after each tensor how many bytes of all tensors' have been written.
using OnWritten = std::function<void(std::int64_t done, std::int64_t total)>;

/// Writes atomically. REQUIRES: the tensors are float.
void save_safetensors(
    const FilePath& path, const StateDict& tensors, const OnWritten& on_written = [](std::int64_t, std::int64_t) {});

/// Reads all tensors. Nothing in the file is trusted: throws InputError if it is missing, no safetensors file, or says
/// what cannot be (offsets outside the data, overlapping or with gaps, a size that is not the shape's, a name given
/// twice), or holds another type than F32. Takes no more memory than the file's size and a header's of 16 MiB.
StateDict load_safetensors(const FilePath& path);

/// `name` from a file as it may stand in a message: short and on one line.
std::string quotable(const std::string& name);

}  // namespace incubate
