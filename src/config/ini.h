#pragma once

#include <string>
#include <utility>
#include <vector>

namespace incubate {

/// Returns the settings of INI text in order, as pairs of "section.key" and value. A line is [section], key = value or
/// # comment. A # starts a comment at the start of a line or after a space; elsewhere it belongs to the value. Quotes
/// (" or ') around a value are removed; their content stays as it is. `origin` names the text in messages. Throws
/// InputError on any other line. REQUIRES: `text` is clean (see clean_text()).
std::vector<std::pair<std::string, std::string>> split_ini(const std::string& text, const std::string& origin);

}  // namespace incubate
