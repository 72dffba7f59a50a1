#include "config/method_table.h"

#include <algorithm>
#include <stdexcept>

namespace incubate {

const MethodRow& row_of(Phase phase) {
  const auto* const row = std::ranges::find(kMethodTable, phase, &MethodRow::phase);
  if (row == kMethodTable.end()) throw std::logic_error("a phase without a row");
  return *row;
}

const MethodRow* find_row(std::string_view name) {
  for (const MethodRow& row : kMethodTable) {
    const bool is_named = row.network == Network::hybrid ? name.starts_with(row.training) : name == row.training;
    if (is_named || (!name.empty() && name == row.choice)) return &row;
  }
  return nullptr;
}

std::string training_name(const MethodRow& row, std::int64_t stage) {
  return row.network == Network::hybrid ? row.training + std::to_string(stage) : row.training;
}

std::vector<std::string> list_training_names(std::int64_t num_stages) {
  std::vector<std::string> names;
  for (const MethodRow& row : kMethodTable) {
    const std::int64_t count = row.network == Network::hybrid ? num_stages : 1;
    for (std::int64_t i = 0; i < count; ++i) names.push_back(training_name(row, i));
  }
  return names;
}

std::vector<std::string> list_choices() {
  std::vector<std::string> choices;
  for (const MethodRow& row : kMethodTable) {
    if (*row.choice != '\0') choices.emplace_back(row.choice);
  }
  return choices;
}

std::vector<Phase> lineage_of(Phase phase) {
  std::vector<Phase> lineage;
  for (std::optional<Phase> next = phase; next; next = row_of(*next).source) lineage.push_back(*next);
  std::ranges::reverse(lineage);
  return lineage;
}

std::vector<const MethodRow*> list_methods() {
  std::vector<const MethodRow*> methods;
  for (const MethodRow& row : kMethodTable) {
    if (row.result_place > 0) methods.push_back(&row);
  }
  std::ranges::sort(methods, {}, &MethodRow::result_place);
  return methods;
}

const char* to_string(Phase phase) { return row_of(phase).name; }

const char* to_string(Network network) {
  return network == Network::meta ? "meta" : network == Network::hybrid ? "hybrid" : "target";
}

const char* section_of(Phase phase) { return row_of(phase).section; }

}  // namespace incubate
