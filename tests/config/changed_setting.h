#pragma once

#include <stdexcept>
#include <string>

#include "base/check.h"
#include "config/setting.h"

namespace incubate {

/// Sets `setting` to another value of its type.
inline void change(const Setting& setting) {
  const std::string before = setting.get();
  for (const char* text : {"true", "false", "fast", "cpu", "lines", "vit_b16", "resnet", "epoch_lagged", "0.125", "12",
                           "13", "meta", "zero_branches", "x"}) {
    try {
      setting.set(text);
    } catch (const InputError&) {
      continue;
    }
    if (setting.get() != before) return;
  }
  throw std::logic_error("no other value known for " + setting.name);
}

}  // namespace incubate
