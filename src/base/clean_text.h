#pragma once

#include <string>
#include <string_view>

namespace incubate {

/// Returns UTF-8 text of the user as it looks: without the byte order mark before it, with "\n" at the end of each
/// line, and with plain spaces for others, such as no-break spaces. Throws InputError, which makes them visible, if the
/// text has invisible characters (nobody finds them in a name), or is in UTF-16. `origin` names the text. Bytes that
/// are not UTF-8 stay.
std::string clean_text(std::string_view text, const std::string& origin);

/// The same for what must be one line, such as an argument; line ends behind it are left out.
std::string clean_line(std::string_view text, const std::string& origin);

}  // namespace incubate
