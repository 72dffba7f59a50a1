#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace incubate {

using FilePath = std::filesystem::path;

/// Makes `path` complete or leaves it as it was: `write(temporary)` fills a file beside it, which is synced and
/// renamed, and the directory synced. `before_rename`, if given, may still refuse by throwing. On any error the
/// temporary file is removed and the error passed on.
void replace_atomically(const FilePath& path, const std::function<void(const FilePath& temporary)>& write,
                        const std::function<void()>& before_rename = {});

/// The same for a small text file.
void replace_text_atomically(const FilePath& path, std::string_view text);

/// The whole of a small text file. Throws std::runtime_error if it cannot be read.
std::string read_text(const FilePath& path);

}  // namespace incubate
