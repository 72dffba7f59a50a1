#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace incubate {

using FilePath = std::filesystem::path;

/// Returns a name for what shall become `path`, in the same folder: "NAME.PROCESS.RANDOM.incubate.tmp", with
/// process_name(). No two calls give the same name, whoever makes them.
FilePath draft_of(const FilePath& path);

/// Makes `path` complete or leaves it as it was: `write(draft)` fills the draft_of() it, which is synced and renamed,
/// and the folder synced. `before_rename`, if given, may still refuse by throwing. On any error the draft is removed
/// and the error passed on. Several writers of one path may do so at once: the last to rename remains. Stale drafts in
/// the folder go first.
void replace_atomically(const FilePath& path, const std::function<void(const FilePath& draft)>& write,
                        const std::function<void()>& before_rename = {});

/// The same for a small text file.
void replace_text_atomically(const FilePath& path, std::string_view text);

/// Removes the drafts that nobody will rename: those of processes that have ended, and of processes that cannot be seen
/// from here if they have not changed for a day.
void remove_stale_drafts(const FilePath& folder);

/// Removes all files in `folder` whose names begin with `prefix` and end with ".tmp": drafts, and those of earlier
/// versions. REQUIRES: nobody else writes files with that prefix.
void remove_drafts(const FilePath& folder, std::string_view prefix);

/// The whole of a small text file. Throws std::runtime_error if it cannot be read.
std::string read_text(const FilePath& path);

}  // namespace incubate
