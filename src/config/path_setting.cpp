#include "config/path_setting.h"

#include <algorithm>
#include <cctype>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include <glob.h>
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

bool is_number(std::string_view text) {
  return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Returns `text` with each {FIRST..LAST} replaced by each of its numbers, all as wide as the wider one.
std::vector<std::string> expand_numbers(const std::string& text) {
  const std::size_t open = text.find('{'), dots = text.find("..", open), close = text.find('}', open);
  if (open == std::string::npos || close == std::string::npos || dots > close) return {text};
  const std::string first = text.substr(open + 1, dots - open - 1), last = text.substr(dots + 2, close - dots - 2);
  if (!is_number(first) || !is_number(last)) return {text};
  std::vector<std::string> names;
  const std::vector<std::string> ends = expand_numbers(text.substr(close + 1));
  const std::size_t width = first.starts_with('0') ? std::max(first.size(), last.size()) : 0;
  for (int i = std::stoi(first); i <= std::stoi(last); ++i) {
    for (const std::string& end : ends) names.push_back(fmt::format("{}{:0{}}{}", text.substr(0, open), i, width, end));
  }
  return names;
}

}  // namespace

std::vector<std::string> expand_pattern(const std::string& text) {
  std::vector<std::string> names;
  for (const std::string& name : expand_numbers(text)) {
    std::error_code ignored;
    glob_t found{};
    if (name.find_first_of("*?[") == std::string::npos || std::filesystem::exists(name, ignored) ||
        ::glob(name.c_str(), 0, nullptr, &found) != 0) {
      names.push_back(name);
    } else {
      names.insert(names.end(), found.gl_pathv, found.gl_pathv + found.gl_pathc);
    }
    ::globfree(&found);
  }
  return names;
}

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
  setting.set = [name = as_typed(setting.name), &paths](const std::string& text) {
    std::vector<std::string> given;
    from_text(name, text, given);
    paths.clear();
    for (const std::string& path : given) {
      std::ranges::move(expand_pattern(expand_path(name, path)), std::back_inserter(paths));
    }
  };
  return setting;
}

}  // namespace incubate
