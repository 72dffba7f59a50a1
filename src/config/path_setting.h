#pragma once

#include <string>
#include <vector>

#include "config/setting.h"

namespace incubate {

/// Returns the path that the user means by `text`: with the values of $NAME and ${NAME}, and the home folder for a ~ at
/// the beginning, as shells have it. Throws InputError, naming the setting as it is typed (if it is not empty), if a
/// variable is not set or empty, there is no such home, or a name in the path is longer than file systems take. An
/// empty text stays empty.
std::string expand_path(const std::string& setting, const std::string& text);

/// The setting `name` for a path, or for several, each of which is expanded.
Setting make_path_setting(std::string name, std::string& path, Kind kind, std::string meaning);
Setting make_paths_setting(std::string name, std::vector<std::string>& paths, Kind kind, std::string meaning);

}  // namespace incubate
