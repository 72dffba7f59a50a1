#pragma once

#include <map>
#include <string>
#include <vector>

namespace incubate {

/// Numbers by name, such as those of an evaluation. From where they are measured to files and tables nobody in between
/// knows what they are.
using Figures = std::map<std::string, double>;

/// Describes a figure of evaluations. The first of a task's metrics decides which network is better.
struct MetricInfo {
  std::string name;   ///< in files: "top1"
  std::string title;  ///< for people: "top-1"
  std::string unit;   ///< "%": the figure is a fraction, and shown in percent
  bool higher_is_better = true;

  bool operator==(const MetricInfo&) const = default;
};

/// Returns 0 if there is no such figure: older programs wrote fewer.
double figure_or_zero(const Figures& figures, const std::string& name);
/// Returns NaN if there is no such figure.
double figure_or_nan(const Figures& figures, const std::string& name);
/// Returns whether all are finite. A network whose evaluation is not has infinity for every figure; NaN is unknown.
bool are_finite(const Figures& figures);

/// Returns what a table's column is called: "top-1", "validation loss" (trainings have a loss of their own).
std::string header_of(const MetricInfo& metric);
/// Returns "87.65%", "0.5123", "not finite", or "not evaluated" where there is no such figure or it is NaN.
std::string format_figure(const MetricInfo& metric, const Figures& figures);
/// Returns "top-1 87.65%, top-5 99.00%, validation loss 0.5123".
std::string format_figures(const std::vector<MetricInfo>& metrics, const Figures& figures);

}  // namespace incubate
