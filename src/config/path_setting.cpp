#include "config/path_setting.h"

#include <cctype>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include <pwd.h>
#include <unistd.h>

#include "base/check.h"

namespace incubate {
namespace {

constexpr std::size_t kMostPath = PATH_MAX - 256;  // leaves room for names that a run appends

/// Returns a text for messages, such as "run.directory=$X/run", shortened to fit a line.
std::string quote(const std::string& setting, const std::string& text) {
  constexpr std::size_t kMost = 200;
  return (setting.empty() ? "" : setting + "=") + (text.size() > kMost ? text.substr(0, kMost) + "..." : text);
}

bool is_of_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Returns `text` with variables replaced by their values.
std::string expand_variables(const std::string& setting, const std::string& text) {
  std::string path;
  std::size_t done = 0;
  for (std::size_t dollar = text.find('$'); dollar != std::string::npos; dollar = text.find('$', done)) {
    const std::string next = text.substr(dollar + 1, 1);
    const std::size_t begin = dollar + (next == "{" ? 2 : 1);
    std::size_t end = begin;
    while (end < text.size() && is_of_name(text[end])) ++end;
    const std::string name = text.substr(begin, end - begin);
    const bool is_variable = !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0;
    check_input(next != "(" && (next != "{" || (is_variable && text.substr(end, 1) == "}")),
                "{} is no path: only $NAME and ${{NAME}} stand for something there. Give the path in full.",
                quote(setting, text));
    const char* value = is_variable ? std::getenv(name.c_str()) : "$";
    check_input(value != nullptr && *value != '\0',
                "{} has the variable {}, which is not set. Set it, or give the path in full.", quote(setting, text),
                name);
    path += text.substr(done, dollar - done) + value;
    done = is_variable ? end + (next == "{" ? 1 : 0) : dollar + 1;
  }
  return path + text.substr(done);
}

/// Returns the home folder of ~ or ~user, or "" if there is none.
std::string find_home(const std::string& user) {
  const char* home = std::getenv("HOME");
  if (user.empty() && home != nullptr) return home;
  const passwd* entry = user.empty() ? ::getpwuid(::getuid()) : ::getpwnam(user.c_str());
  return entry == nullptr ? "" : entry->pw_dir;
}

}  // namespace

std::string expand_path(const std::string& setting, const std::string& text) {
  std::string path = expand_variables(setting, text);
  if (path.starts_with('~')) {
    const std::string tilde = path.substr(0, path.find('/'));
    const std::string home = find_home(tilde.substr(1));
    check_input(!home.empty(),
                "{} begins with {}, but no such home folder is known. Give the path in full; a file of that name is "
                "./{}.",
                quote(setting, text), tilde, tilde);
    path.replace(0, tilde.size(), home);
  }
  for (const std::filesystem::path& part : std::filesystem::path(path)) {
    check_input(part.native().size() <= NAME_MAX,
                "{} is too long: a name in it has {} bytes (file systems take {}). Give a shorter one.",
                quote(setting, text), part.native().size(), NAME_MAX);
  }
  check_input(path.size() <= kMostPath, "{} is too long: it has {} bytes (there may be {}). Give a shorter path.",
              quote(setting, text), path.size(), kMostPath);
  return path;
}

Setting make_path_setting(std::string name, std::string& path, Kind kind, std::string meaning) {
  Setting setting = make_setting(std::move(name), path, kind, "path", std::move(meaning));
  setting.set = [name = as_typed(setting.name), &path](const std::string& text) { path = expand_path(name, text); };
  return setting;
}

Setting make_paths_setting(std::string name, std::vector<std::string>& paths, Kind kind, std::string meaning) {
  Setting setting = make_setting(std::move(name), paths, kind, "a,b,...", std::move(meaning));
  setting.set = [name = as_typed(setting.name), set = setting.set, &paths](const std::string& text) {
    set(text);
    for (std::string& path : paths) path = expand_path(name, path);
  };
  return setting;
}

}  // namespace incubate
