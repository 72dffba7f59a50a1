#pragma once

#include <string>
#include <string_view>

namespace incubate {

/// Returns the user's UTF-8 text without byte order mark. Every line ends with "\n"; other spaces, such as no-break
/// spaces, become plain ones. Throws InputError if the text is UTF-16 or has invisible characters, which the message
/// makes visible. `origin` names the text in messages. Bytes that are not UTF-8 stay.
std::string clean_text(std::string_view text, const std::string& origin);

/// Returns clean_text() without line ends at the end. Throws InputError too if the text has more than one line.
std::string clean_line(std::string_view text, const std::string& origin);

}  // namespace incubate
