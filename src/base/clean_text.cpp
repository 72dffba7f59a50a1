#include "base/clean_text.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace incubate {
namespace {

/// The code points from `first` to `last`, both included.
struct Range {
  char32_t first;
  char32_t last;
  bool operator()(char32_t code) const { return code >= first && code <= last; }
};

/// Unicode's spaces (category Zs) except U+0020.
constexpr std::array kSpaces = {Range{0xA0, 0xA0},     Range{0x1680, 0x1680}, Range{0x2000, 0x200A},
                                Range{0x202F, 0x202F}, Range{0x205F, 0x205F}, Range{0x3000, 0x3000}};
/// Control characters except tabs and line ends, line separators, and Unicode's Default_Ignorable_Code_Point except
/// variation selectors (their effect is visible).
constexpr std::array kInvisible = {
    Range{0x0, 0x8},       Range{0xB, 0xC},       Range{0xE, 0x1F},       Range{0x7F, 0x9F},     Range{0xAD, 0xAD},
    Range{0x34F, 0x34F},   Range{0x61C, 0x61C},   Range{0x115F, 0x1160},  Range{0x17B4, 0x17B5}, Range{0x180E, 0x180E},
    Range{0x200B, 0x200F}, Range{0x2028, 0x202E}, Range{0x2060, 0x206F},  Range{0x3164, 0x3164}, Range{0xFEFF, 0xFEFF},
    Range{0xFFA0, 0xFFA0}, Range{0xFFF9, 0xFFFB}, Range{0xE0000, 0xE007F}};

template <std::size_t size>
bool is_in(const std::array<Range, size>& ranges, char32_t code) {
  return std::ranges::any_of(ranges, [code](const Range& range) { return range(code); });
}

struct Character {
  char32_t code;
  std::size_t num_bytes;
};

/// Returns the first character of non-empty UTF-8 text. An invalid byte counts as one visible character.
Character decode(std::string_view text) {
  constexpr char32_t kReplacement = 0xFFFD;
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {lead, 1};
  const std::size_t num_bytes = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (num_bytes == 0 || text.size() < num_bytes) return {kReplacement, 1};
  char32_t code = lead & (0x7FU >> num_bytes);
  for (const unsigned char next : text.substr(1, num_bytes - 1)) {
    if ((next & 0xC0U) != 0x80U) return {kReplacement, 1};
    code = (code << 6U) | (next & 0x3FU);
  }
  return {code, num_bytes};
}

/// Returns `line` with each invisible character spelled out, such as <U+200B>.
std::string show(std::string_view line) {
  std::string shown;
  while (!line.empty()) {
    const Character c = decode(line);
    const bool is_hidden = c.code == '\n' || is_in(kInvisible, c.code);
    shown += is_hidden ? fmt::format("<U+{:04X}>", static_cast<std::uint32_t>(c.code)) : line.substr(0, c.num_bytes);
    line.remove_prefix(c.num_bytes);
  }
  return shown;
}

/// Throws InputError for the invisible character at byte `place`. The message quotes the text around the character.
[[noreturn]] void reject(std::string_view text, std::size_t place, const std::string& origin) {
  constexpr std::size_t kMost = 60;                          // bytes before and after the place
  std::size_t begin = text.find_last_of("\r\n", place) + 1;  // 0 on the first line
  if (place - begin > kMost) begin = place - kMost;
  const std::size_t end = std::min({text.find_first_of("\r\n", place), place + kMost, text.size()});
  throw InputError(fmt::format(
      "{}: '{}' has an invisible character, as editors and web pages leave them. Take it out, or type this anew.",
      origin, show(text.substr(begin, end - begin))));
}

/// Returns whether `code` joins characters, as in Persian, Indic scripts and emoji. Joiners after ASCII have no use.
bool is_joiner(char32_t code, const std::string& before) {
  return (code == 0x200C || code == 0x200D) && !before.empty() && static_cast<unsigned char>(before.back()) >= 0x80;
}

}  // namespace

std::string clean_text(std::string_view text, const std::string& origin) {
  check_input(!text.starts_with("\xFF\xFE") && !text.starts_with("\xFE\xFF"),
              "{} is in UTF-16 (it begins with the byte order mark of it). Save it as UTF-8.", origin);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::string clean;
  for (std::size_t i = 0; i < text.size();) {
    const Character c = decode(text.substr(i));
    if (is_in(kInvisible, c.code) && !is_joiner(c.code, clean)) reject(text, i, origin);
    if (c.code == '\r') {
      if (text.substr(i + 1, 1) != "\n") clean += '\n';
    } else if (is_in(kSpaces, c.code)) {
      clean += ' ';
    } else {
      clean += text.substr(i, c.num_bytes);
    }
    i += c.num_bytes;
  }
  return clean;
}

std::string clean_line(std::string_view text, const std::string& origin) {
  std::string line = clean_text(text, origin);
  line.erase(line.find_last_not_of('\n') + 1);
  check_input(line.find('\n') == std::string::npos, "{}: '{}' has more than one line. Give one.", origin, show(line));
  return line;
}

}  // namespace incubate
