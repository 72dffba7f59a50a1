#include "report/operator_table.h"

#include <gtest/gtest.h>

namespace incubate {
namespace {

/// A step: forward calls mm, which calls copy and within it another copy; then mm by itself; and on another thread load
/// at the same time.
std::vector<OperatorCall> example_calls() {
  return {{.name = "copy", .thread = 1, .begin_ns = 1'000'000, .duration_ns = 2'000'000},
          {.name = "forward", .thread = 1, .begin_ns = 0, .duration_ns = 10'000'000},
          {.name = "mm", .thread = 1, .begin_ns = 0, .duration_ns = 6'000'000, .device_ns = 3'000'000},
          {.name = "copy", .thread = 1, .begin_ns = 1'500'000, .duration_ns = 500'000},
          {.name = "mm", .thread = 1, .begin_ns = 10'000'000, .duration_ns = 4'000'000, .device_ns = 1'000'000},
          {.name = "load", .thread = 2, .begin_ns = 2'000'000, .duration_ns = 1'000'000}};
}

TEST(OperatorTable, TimesAreWithAndWithoutWhatIsCalled) {
  const std::vector<OperatorRow> rows = sum_by_operator(example_calls());
  ASSERT_EQ(rows.size(), 4);
  const auto expect_row = [&rows](std::size_t i, const char* name, std::int64_t calls, std::int64_t total_us,
                                  std::int64_t self_us, std::int64_t device_us) {
    EXPECT_EQ(rows[i].name, name);
    EXPECT_EQ(rows[i].num_calls, calls) << name;
    EXPECT_EQ(rows[i].total_ns, 1000 * total_us) << name;
    EXPECT_EQ(rows[i].self_ns, 1000 * self_us) << name;
    EXPECT_EQ(rows[i].device_ns, 1000 * device_us) << name;
  };
  expect_row(0, "mm", 2, 10'000, 8'000, 4'000);
  expect_row(1, "forward", 1, 10'000, 4'000, 0);
  expect_row(2, "copy", 2, 2'000, 2'000, 0);  // the call within one of the same name counts once
  expect_row(3, "load", 1, 1'000, 1'000, 0);  // of another thread: forward does not call it
}

TEST(OperatorTable, HasARowAnOperatorAndPartsOfTheSums) {
  EXPECT_EQ(format_operators(sum_by_operator(example_calls())),
            "   calls CPU total ms  CPU self ms CPU self  device ms   device  operator\n"
            "       2       10.000        8.000   53.33%      4.000  100.00%  mm\n"
            "       1       10.000        4.000   26.67%      0.000    0.00%  forward\n"
            "       2        2.000        2.000   13.33%      0.000    0.00%  copy\n"
            "       1        1.000        1.000    6.67%      0.000    0.00%  load\n");
}

TEST(OperatorTable, WithoutADeviceHasNoColumnsOfOne) {
  EXPECT_EQ(
      format_operators({{.name = "incubate::attention", .num_calls = 3, .total_ns = 2'000'000, .self_ns = 500'000},
                        {.name = "mm", .num_calls = 6, .total_ns = 1'500'000, .self_ns = 1'500'000}}),
      "   calls CPU total ms  CPU self ms CPU self  operator\n"
      "       3        2.000        0.500   25.00%  incubate::attention\n"
      "       6        1.500        1.500   75.00%  mm\n");
}

TEST(OperatorTable, OfNoCallsIsAHeadAlone) {
  EXPECT_EQ(format_operators(sum_by_operator({})), "   calls CPU total ms  CPU self ms CPU self  operator\n");
}

}  // namespace
}  // namespace incubate
