#include "base/out_of_memory.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <new>
#include <regex>

#include <fmt/format.h>

#include "base/check.h"

namespace incubate {

bool says_out_of_memory(const std::string& message) {
  // The first is LibTorch's on the host, the second its message for sizes beyond an integer; the others are libraries'.
  constexpr std::array kWords = {"can't allocate memory",
                                 "storage size calculation overflowed",
                                 "out of memory",
                                 "insufficient memory",
                                 "cannot allocate memory",
                                 "memory allocation failed",
                                 "unable to allocate memory",
                                 "alloc_failed",
                                 "allocation_failed",
                                 "err_no_mem"};
  std::string text = message;
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::any_of(kWords, [&text](const char* words) { return text.find(words) != std::string::npos; });
}

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const OutOfMemoryError*>(&error) != nullptr) return false;
  if (dynamic_cast<const InputError*>(&error) != nullptr) return false;
  return dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
         dynamic_cast<const std::length_error*>(&error) != nullptr || says_out_of_memory(error.what());
}

OutOfMemoryError describe_lack(const MemoryNeed& need, const std::exception& error) {
  const std::string text = error.what();
  std::smatch found;
  std::string details = need.needed;
  if (std::regex_search(text, found, std::regex("ried to allocate ([0-9.]+ [A-Za-z]+)")))
    details += fmt::format("{}an allocation of {} failed", details.empty() ? "" : "; ", found[1].str());
  return OutOfMemoryError(fmt::format("{}: not enough memory{}. {}", need.subject,
                                      details.empty() ? "" : " (" + details + ")", need.remedy));
}

}  // namespace incubate
