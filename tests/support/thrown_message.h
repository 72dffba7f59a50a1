#pragma once

#include <exception>
#include <string>
#include <utility>

namespace incubate {

/// Returns the message of the `Error` that `action` throws. Otherwise returns a text that equals no message.
template <typename Error, typename Action>
std::string thrown_message(Action&& action) {
  try {
    std::forward<Action>(action)();
  } catch (const Error& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("(another type of error) ") + error.what();
  }
  return "(no error)";
}

}  // namespace incubate
