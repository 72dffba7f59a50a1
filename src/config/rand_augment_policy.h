#pragma once

#include <cstdint>
#include <string>

namespace incubate {

/// Whether all operations get more severe with magnitude, or do what the operation's own scale says (at which a higher
/// threshold of solarize, say, changes less).
enum class Severity { of_the_operation, increasing };

/// RandAugment as timm's strings describe it, such as rand-m9-mstd0.5-inc1.
struct RandAugmentPolicy {
  double magnitude = 10;                           // m: 0 .. 10
  double magnitude_std = 0;                        // mstd: standard deviation of an operation's magnitude
  std::int64_t num_operations = 2;                 // n: an image
  double probability = 0.5;                        // p: of each operation
  Severity severity = Severity::of_the_operation;  // inc: 0 or 1
};

/// Reads "rand" and then, each after a '-' and once, m, n, mstd, inc and p with a number. Throws InputError that names
/// the setting `name` on anything else.
RandAugmentPolicy parse_rand_augment(const std::string& name, const std::string& text);

}  // namespace incubate
