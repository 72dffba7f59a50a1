#include "report/operator_table.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace incubate {
namespace {

std::int64_t end_of(const OperatorCall& call) { return call.begin_ns + call.duration_ns; }

/// Callers before what they call, thread by thread.
bool comes_before(const OperatorCall& a, const OperatorCall& b) {
  if (a.thread != b.thread) return a.thread < b.thread;
  return a.begin_ns != b.begin_ns ? a.begin_ns < b.begin_ns : a.duration_ns > b.duration_ns;
}

double percent(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

double to_ms(std::int64_t ns) { return static_cast<double>(ns) * 1e-6; }

}  // namespace

std::vector<OperatorRow> sum_by_operator(std::vector<OperatorCall> calls) {
  std::ranges::stable_sort(calls, comes_before);
  std::map<std::string, OperatorRow> rows;
  std::vector<const OperatorCall*> callers;  // those that have begun and not ended, outermost first
  for (const OperatorCall& call : calls) {
    while (!callers.empty() && (callers.back()->thread != call.thread || end_of(*callers.back()) <= call.begin_ns)) {
      callers.pop_back();
    }
    const bool is_within_same =
        std::ranges::any_of(callers, [&call](const OperatorCall* caller) { return caller->name == call.name; });
    OperatorRow& row = rows[call.name];
    ++row.num_calls;
    if (!is_within_same) row.total_ns += call.duration_ns;
    row.self_ns += call.duration_ns;
    row.device_ns += call.device_ns;
    if (!callers.empty()) rows[callers.back()->name].self_ns -= call.duration_ns;
    callers.push_back(&call);
  }
  std::vector<OperatorRow> list;
  for (auto& [name, row] : rows) {
    row.name = name;
    list.push_back(row);
  }
  std::ranges::stable_sort(list, [](const OperatorRow& a, const OperatorRow& b) {
    return a.self_ns + a.device_ns > b.self_ns + b.device_ns;
  });
  return list;
}

std::string format_operators(const std::vector<OperatorRow>& rows) {
  std::int64_t self_ns = 0;
  std::int64_t device_ns = 0;
  for (const OperatorRow& row : rows) {
    self_ns += row.self_ns;
    device_ns += row.device_ns;
  }
  const bool has_device = device_ns > 0;
  std::string text = fmt::format("{:>8} {:>12} {:>12} {:>8}{}  operator\n", "calls", "CPU total ms", "CPU self ms",
                                 "CPU self", has_device ? "  device ms   device" : "");
  for (const OperatorRow& row : rows) {
    text += fmt::format("{:>8} {:>12.3f} {:>12.3f} {:>7.2f}%", row.num_calls, to_ms(row.total_ns), to_ms(row.self_ns),
                        percent(row.self_ns, self_ns));
    if (has_device)
      text += fmt::format(" {:>10.3f} {:>7.2f}%", to_ms(row.device_ns), percent(row.device_ns, device_ns));
    text += fmt::format("  {}\n", row.name);  // last: it may be long
  }
  return text;
}

}  // namespace incubate
