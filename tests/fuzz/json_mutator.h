#pragma once

#include <array>
#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

namespace incubate {

/// Returns `text` with one value replaced by an unexpected one, or left out; unchanged if it is no JSON. `seed`
/// chooses.
inline std::string change_json(const std::string& text, unsigned seed) {
  using nlohmann::json;
  static const std::array<json, 22> kValues = {nullptr,
                                               true,
                                               0,
                                               1,
                                               -1,
                                               0.5,
                                               -0.0,
                                               1e300,
                                               -1e300,
                                               INT64_MAX,
                                               INT64_MIN,
                                               UINT64_MAX,
                                               4e9,
                                               1e18,
                                               "",
                                               "done",
                                               "running",
                                               json::array(),
                                               json::object(),
                                               "\n\x01",
                                               json::array({1, 2}),
                                               253402300800};
  json parsed = json::parse(text, nullptr, false);
  if (parsed.is_discarded() || !parsed.is_structured() || parsed.empty()) return text;
  json* at = &parsed;
  // A walk to a value; half of the time an inner one is enough.
  while (at->is_structured() && !at->empty()) {
    auto item = at->begin();
    std::advance(item, seed % at->size());
    seed /= static_cast<unsigned>(at->size());
    if (seed % 16 == 15) {
      at->erase(item);
      return parsed.dump();
    }
    at = &*item;
    if (seed % 8 == 7) break;
  }
  *at = kValues[seed % kValues.size()];
  return parsed.dump();
}

}  // namespace incubate
