#include "config/rand_augment_policy.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

std::string policy_error(const std::string& text) {
  return thrown_message<InputError>([&] { parse_rand_augment("meta.rand_augment", text); });
}

TEST(RandAugmentPolicy, ReadsItsOptions) {
  const RandAugmentPolicy policy = parse_rand_augment("x", "rand-m9-mstd0.5-inc1-n3-p0.25");
  EXPECT_EQ(policy.magnitude, 9);
  EXPECT_EQ(policy.magnitude_std, 0.5);
  EXPECT_EQ(policy.severity, Severity::increasing);
  EXPECT_EQ(policy.num_operations, 3);
  EXPECT_EQ(policy.probability, 0.25);
}

TEST(RandAugmentPolicy, DefaultsAreTimms) {
  const RandAugmentPolicy policy = parse_rand_augment("x", "rand");
  EXPECT_EQ(policy.magnitude, 10);
  EXPECT_EQ(policy.magnitude_std, 0);
  EXPECT_EQ(policy.severity, Severity::of_the_operation);
  EXPECT_EQ(policy.num_operations, 2);
  EXPECT_EQ(policy.probability, 0.5);
}

TEST(RandAugmentPolicy, AnythingElseIsRefused) {
  const std::string options =
      " is not an option. Options are m, n, mstd, inc and p. Give one such as rand-m9-mstd0.5-inc1.";
  EXPECT_EQ(policy_error("rand-x3"), "meta.rand_augment: 'x3'" + options);
  EXPECT_EQ(policy_error("rand-tweights"), "meta.rand_augment: 'tweights'" + options);
  EXPECT_EQ(policy_error("rand-"), "meta.rand_augment: ''" + options);
  EXPECT_EQ(policy_error("original-m9"),
            "meta.rand_augment=original-m9 does not begin with 'rand'. Give one such as rand-m9-mstd0.5-inc1, or "
            "nothing to leave it off.");
  EXPECT_EQ(policy_error("rand-m9-m8"), "meta.rand_augment=rand-m9-m8 has the option 'm' twice. Give it once.");
  EXPECT_EQ(policy_error("rand-m11"), "meta.rand_augment: m=11 is out of range. Give 0 to 10.");
  EXPECT_EQ(policy_error("rand-n0"), "meta.rand_augment: n=0 is out of range. Give 1 to 15.");
  EXPECT_EQ(policy_error("rand-n2.5"), "meta.rand_augment: n=2.5 is not a whole number. Give a whole number.");
  EXPECT_EQ(policy_error("rand-m"), "meta.rand_augment: m= is not a number. Give a number.");
}

}  // namespace
}  // namespace incubate
