#pragma once

#include <cstdint>
#include <functional>

#include "checkpoint/checkpoint.h"

namespace incubate {

/// Weights of other programs: files of named float tensors in the safetensors format (see FORMAT.md).

/// Called after each tensor with the bytes written so far and in total.
using OnWritten = std::function<void(std::int64_t done, std::int64_t total)>;

/// Writes the tensors atomically. REQUIRES: the tensors are float.
void save_safetensors(
    const FilePath& path, const StateDict& tensors, const OnWritten& on_written = [](std::int64_t, std::int64_t) {});

/// Throws InputError if `output`, which --output names, has the ending of another format, or exists and does not begin
/// as a safetensors file does.
void check_safetensors_output(const FilePath& output);

/// Returns all tensors of a file but counters of batch norm (num_batches_tracked). Trusts nothing in the file. Throws
/// InputError if the file is missing, no safetensors file, or has a type other than F32. Throws it too for offsets
/// outside the data, overlaps, gaps, sizes that differ from shapes, or repeated names. Takes at most the file's size
/// plus 16 MiB for the header.
StateDict load_safetensors(const FilePath& path);

/// Returns `name`, read from a file, in a form fit for messages: short and on one line.
std::string quotable(const std::string& name);

}  // namespace incubate
