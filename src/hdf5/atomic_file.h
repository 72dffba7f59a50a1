#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace incubate {

using FilePath = std::filesystem::path;

/// Returns a draft name for `path` in the same directory: "NAME.PROCESS.RANDOM.incubate.tmp", with process_name(). Two
/// calls, by any processes, never return the same name.
FilePath draft_of(const FilePath& path);

/// Makes `path` complete or leaves it unchanged. `write(draft)` fills a draft, which is synced and renamed; then the
/// directory is synced. `before_rename` may refuse by throwing. An error removes the draft and is rethrown. Several
/// writers may replace `path` at once: the last rename wins. Removes stale drafts of the directory first.
void replace_atomically(const FilePath& path, const std::function<void(const FilePath& draft)>& write,
                        const std::function<void()>& before_rename = {});

/// Replaces a small text file as replace_atomically() does.
void replace_text_atomically(const FilePath& path, std::string_view text);

/// Removes drafts of processes that have ended, and drafts of unknown processes that have not changed for a day.
void remove_stale_drafts(const FilePath& folder);

/// Removes all files in `folder` whose names begin with `prefix` and end with ".tmp" (drafts of any version). REQUIRES:
/// nobody else writes files with that prefix.
void remove_drafts(const FilePath& folder, std::string_view prefix);

/// Returns the content of a small text file. Throws std::runtime_error if the file cannot be read.
std::string read_text(const FilePath& path);

}  // namespace incubate
