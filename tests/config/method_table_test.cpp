#include "config/method_table.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace incubate {
namespace {

using Names = std::vector<std::string>;

TEST(MethodTable, SourcesAndInheritedRecipesStandBefore) {
  std::set<Phase> before;
  for (const MethodRow& row : kMethodTable) {
    EXPECT_TRUE(!row.source || before.contains(*row.source)) << row.name;
    EXPECT_TRUE(!row.inherits || before.contains(*row.inherits)) << row.name;
    EXPECT_EQ(row.first_weights == FirstWeights::random || row.first_weights == FirstWeights::transferred, !row.source)
        << row.name;
    EXPECT_EQ(&row_of(row.phase), &row);
    EXPECT_TRUE(before.insert(row.phase).second) << row.name;
  }
}

TEST(MethodTable, ATrainingIsFoundByItsNameAndByItsMethods) {
  EXPECT_EQ(list_training_names(2), (Names{"meta", "stage_0", "stage_1", "finetuned", "end_to_end", "grown", "shallow",
                                           "high_resolution", "end_to_end_high_resolution", "transfer"}));
  for (const std::string& name : list_training_names(12)) {
    ASSERT_NE(find_row(name), nullptr) << name;
    EXPECT_TRUE(name.starts_with(find_row(name)->training)) << name;
  }
  EXPECT_EQ(find_row("deep_incubation")->phase, Phase::finetuning);
  EXPECT_EQ(find_row("end_to_end")->phase, Phase::end_to_end);
  EXPECT_EQ(find_row(""), nullptr);
  EXPECT_EQ(find_row("unknown"), nullptr);
}

TEST(MethodTable, ANetworkTakesAllThatItsWeightsComeFrom) {
  using Phases = std::vector<Phase>;
  EXPECT_EQ(lineage_of(Phase::high_resolution),
            (Phases{Phase::meta, Phase::incubation, Phase::finetuning, Phase::high_resolution}));
  EXPECT_EQ(lineage_of(Phase::grown), (Phases{Phase::meta, Phase::grown}));
  EXPECT_EQ(lineage_of(Phase::shallow), Phases{Phase::shallow});
}

TEST(MethodTable, ResultsStandInTheirPlaces) {
  Names names;
  for (const MethodRow* method : list_methods()) names.emplace_back(method->method);
  EXPECT_EQ(names,
            (Names{"Deep Incubation", "end to end", "grown from the meta model", "shallow for the whole budget",
                   "meta model alone", "Deep Incubation, high resolution", "end to end, high resolution", "transfer"}));
}

}  // namespace
}  // namespace incubate
