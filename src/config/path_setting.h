#pragma once

#include <string>
#include <vector>

#include "config/setting.h"

namespace incubate {

/// Returns the path that `text` stands for. Expands $NAME, ${NAME} and a ~ at the start as shells do. Empty text stays
/// empty. Throws InputError, naming the setting as the user types it (unless empty): for a variable that is unset or
/// empty, an unknown home, or a name that is too long for file systems.
std::string expand_path(const std::string& setting, const std::string& text);

/// Returns the files that `text` names as in bash: {000..012} stands for each number, and *, ? and [...] for what is in
/// the names of existing files, sorted. Text that stands for no file stays as it is.
std::vector<std::string> expand_pattern(const std::string& text);

/// Returns the setting `name` for a path, or for several paths. Each path is expanded; of several ones, each pattern
/// too.
Setting make_path_setting(std::string name, std::string& path, Kind kind, std::string meaning);
Setting make_paths_setting(std::string name, std::vector<std::string>& paths, Kind kind, std::string meaning);

}  // namespace incubate
