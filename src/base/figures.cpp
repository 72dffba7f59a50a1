#include "base/figures.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace incubate {
namespace {

bool is_fraction(const MetricInfo& metric) { return metric.unit == "%"; }

}  // namespace

double figure_or_zero(const Figures& figures, const std::string& name) {
  const auto found = figures.find(name);
  return found == figures.end() ? 0 : found->second;
}

double figure_or_nan(const Figures& figures, const std::string& name) {
  const auto found = figures.find(name);
  return found == figures.end() ? std::numeric_limits<double>::quiet_NaN() : found->second;
}

bool are_finite(const Figures& figures) {
  return std::ranges::all_of(figures, [](const auto& figure) { return std::isfinite(figure.second); });
}

std::string header_of(const MetricInfo& metric) { return (is_fraction(metric) ? "" : "validation ") + metric.title; }

std::string format_figure(const MetricInfo& metric, const Figures& figures) {
  const double value = figure_or_nan(figures, metric.name);
  if (std::isnan(value)) return "not evaluated";
  if (std::isinf(value)) return "not finite";
  return is_fraction(metric) ? fmt::format("{:.2f}%", 100 * value) : fmt::format("{:.4f}", value);
}

std::string format_figures(const std::vector<MetricInfo>& metrics, const Figures& figures) {
  std::string text;
  for (const MetricInfo& metric : metrics) {
    text += (text.empty() ? "" : ", ") + header_of(metric) + " " + format_figure(metric, figures);
  }
  return text;
}

}  // namespace incubate
