#pragma once

#include <stdexcept>
#include <string>

#include "base/check.h"
#include "config/setting.h"

namespace incubate {

/// Sets `setting` to another value of its range. Leaves shorthands to their heirs.
inline void change(const Setting& setting) {
  if (setting.is_shorthand) return;
  const std::string before = setting.get();
  for (const char* text : {"true",          "false",        "fast",  "cpu",   "lines",      "none",   "vit_b16",
                           "resnet",        "epoch_lagged", "0.125", "0.25",  "12",         "13",     "meta",
                           "zero_branches", "sgd",          "skip",  "block", "bf16",       "step",   "padding",
                           "blocks",        "node",         "avx2",  "keep",  "polynomial", "cosine", "x"}) {
    try {
      setting.set(text);
      check_range(setting);
    } catch (const InputError&) {
      continue;
    }
    if (setting.get() != before) return;
  }
  throw std::logic_error("no other value known for " + setting.name);
}

}  // namespace incubate
