#pragma once

#include <string>
#include <utility>
#include <vector>

namespace incubate {

/// Returns the settings of INI text in order, as pairs of "section.key" and value. Lines are [section], key = value or
/// # comment. A # begins a comment at a line's beginning or behind a space; else it is part of the value. Quotes (" or
/// ') around a value are taken off, and keep what is within them as it is. `text` is clean (see clean_text()). Throws
/// InputError on any other line; `origin` names the text.
std::vector<std::pair<std::string, std::string>> split_ini(const std::string& text, const std::string& origin);

}  // namespace incubate
