#include "config/rand_augment_policy.h"

#include <set>

#include "base/check.h"
#include "config/setting.h"

namespace incubate {
namespace {

constexpr const char* kExample = "Give one such as rand-m9-mstd0.5-inc1";

double parse_within(const std::string& name, const std::string& option, const std::string& text, double low,
                    double high) {
  double value = 0;
  from_text(name + ": " + option, text, value);
  check_input(value >= low && value <= high, "{}: {}={} is out of range. Give {} to {}.", name, option, text, low,
              high);
  return value;
}

std::int64_t parse_count(const std::string& name, const std::string& option, const std::string& text, double low,
                         double high) {
  std::int64_t value = 0;
  from_text(name + ": " + option, text, value);
  return static_cast<std::int64_t>(parse_within(name, option, text, low, high));
}

void set_option(const std::string& name, const std::string& option, const std::string& value,
                RandAugmentPolicy& policy) {
  if (option == "m") {
    policy.magnitude = parse_within(name, option, value, 0, 10);
  } else if (option == "mstd") {
    policy.magnitude_std = parse_within(name, option, value, 0, 100);
  } else if (option == "n") {
    policy.num_operations = parse_count(name, option, value, 1, 15);
  } else if (option == "p") {
    policy.probability = parse_within(name, option, value, 0, 1);
  } else if (option == "inc") {
    const bool increases = parse_count(name, option, value, 0, 1) == 1;
    policy.severity = increases ? Severity::increasing : Severity::of_the_operation;
  } else {
    throw InputError(fmt::format("{}: '{}{}' is not an option. Options are m, n, mstd, inc and p. {}.", name, option,
                                 value, kExample));
  }
}

}  // namespace

RandAugmentPolicy parse_rand_augment(const std::string& name, const std::string& text) {
  RandAugmentPolicy policy;
  std::set<std::string> given;
  std::size_t end = std::min(text.find('-'), text.size());
  check_input(text.substr(0, end) == "rand", "{}={} does not begin with 'rand'. {}, or nothing to leave it off.", name,
              text, kExample);
  while (end < text.size()) {
    const std::size_t begin = end + 1;
    end = std::min(text.find('-', begin), text.size());
    const std::string item = text.substr(begin, end - begin);
    const std::size_t digits = std::min(item.find_first_of("0123456789."), item.size());
    const std::string option = item.substr(0, digits);
    check_input(given.insert(option).second, "{}={} has the option '{}' twice. Give it once.", name, text, option);
    set_option(name, option, item.substr(digits), policy);
  }
  return policy;
}

}  // namespace incubate
