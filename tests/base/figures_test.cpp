#include "base/figures.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace incubate {
namespace {

const std::vector<MetricInfo> kMetrics = {{"accuracy", "accuracy", "%"}, {"error", "error", "pixels", false}};

TEST(Figures, AreShownInTheOrderOfTheMetrics) {
  EXPECT_EQ(format_figures(kMetrics, {{"error", 1.25}, {"accuracy", 0.5}, {"other", 3}}),
            "accuracy 50.00%, validation error 1.2500");
  EXPECT_EQ(format_figures({}, {{"other", 3}}), "");
}

TEST(Figures, ThoseThatAreNoNumberAreShownAsNone) {
  constexpr double kUnknownFigure = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(format_figure(kMetrics[0], {}), "not evaluated");
  EXPECT_EQ(format_figure(kMetrics[1], {{"error", kUnknownFigure}}), "not evaluated");
  EXPECT_EQ(format_figure(kMetrics[1], {{"error", HUGE_VAL}}), "not finite");
  EXPECT_TRUE(are_finite({{"a", 0}, {"b", -1e300}}));
  EXPECT_FALSE(are_finite({{"a", 0}, {"b", HUGE_VAL}}));
  EXPECT_FALSE(are_finite({{"a", kUnknownFigure}, {"b", 0}}));
  EXPECT_EQ(figure_or_zero({{"a", 2}}, "a"), 2);
  EXPECT_EQ(figure_or_zero({{"a", 2}}, "b"), 0);
  EXPECT_EQ(figure_or_nan({{"a", 2}}, "a"), 2);
  EXPECT_TRUE(std::isnan(figure_or_nan({{"a", 2}}, "b")));
}

}  // namespace
}  // namespace incubate
