#pragma once

#include <cstdint>
#include <string>

namespace incubate {

/// increasing: all operations get more severe with magnitude. of_the_operation: each operation has its own scale; a
/// higher threshold of solarize, for example, changes less.
enum class Severity { of_the_operation, increasing };

/// RandAugment as in timm's strings, such as rand-m9-mstd0.5-inc1.
struct RandAugmentPolicy {
  double magnitude = 10;                           // m: from 0 to 10
  double magnitude_std = 0;                        // mstd: standard deviation of an operation's magnitude
  std::int64_t num_operations = 2;                 // n: for each image
  double probability = 0.5;                        // p: for each operation
  Severity severity = Severity::of_the_operation;  // inc: 0 or 1
};

/// Reads "rand", then m, n, mstd, inc and p, each with a number, after a '-' and at most once. Throws InputError that
/// names the setting `name` on any other text.
RandAugmentPolicy parse_rand_augment(const std::string& name, const std::string& text);

}  // namespace incubate
