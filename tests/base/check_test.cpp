#include "base/check.h"

#include <gtest/gtest.h>

#include "support/thrown_message.h"

namespace incubate {
namespace {

TEST(Check, ThrowsTheFormattedMessageOnlyWhereTheConditionFails) {
  EXPECT_NO_THROW(check_input(true, "{}", 1));
  EXPECT_NO_THROW(check_running(true, "{}", 1));
  EXPECT_EQ(thrown_message<InputError>([] { check_input(false, "{}={}", "a", 2); }), "a=2");
  EXPECT_EQ(thrown_message<std::runtime_error>([] { check_running(false, "{}={}", "a", 2); }), "a=2");
}

TEST(Check, AFailureWhileRunningIsNotTheUsers) {
  EXPECT_EQ(thrown_message<InputError>([] { check_running(false, "x"); }), "(another type of error) x");
}

}  // namespace
}  // namespace incubate
