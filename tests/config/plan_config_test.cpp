#include "config/plan_config.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "config/parse.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

PlanConfig parse_plan(const std::vector<std::string>& arguments) {
  PlanConfig config;
  parse_arguments(arguments, {}, list_settings(config));
  return config;
}

std::string plan_error(const std::vector<std::string>& arguments) {
  return thrown_message<InputError>([&] { validate(parse_plan(arguments)); });
}

TEST(PlanConfig, WhatIsNotGivenIsAbsent) {
  const PlanConfig config = parse_plan({"--ranks=8"});
  EXPECT_NO_THROW(validate(config));
  EXPECT_EQ(config.num_ranks, 8);
  EXPECT_FALSE(config.rank_tflops || config.network_gbps || config.num_images || config.json);
}

TEST(PlanConfig, AllIsRead) {
  const PlanConfig config =
      parse_plan({"--ranks=1000000", "--rank-tflops=0.5", "--network-gbps=200", "--images=60000", "--json"});
  EXPECT_NO_THROW(validate(config));
  EXPECT_EQ(config.num_ranks, 1'000'000);
  EXPECT_EQ(config.rank_tflops, 0.5);
  EXPECT_EQ(config.network_gbps, 200);
  EXPECT_EQ(config.num_images, 60000);
  EXPECT_TRUE(config.json);
}

TEST(PlanConfig, RanksAreNeeded) {
  EXPECT_EQ(plan_error({}), "--ranks is missing (a plan deals ranks). Give --ranks=N, such as 64.");
  EXPECT_EQ(plan_error({"--ranks=0"}), "--ranks=0 is out of range. Give 1 to 1000000.");
  EXPECT_EQ(plan_error({"--ranks=1000001"}), "--ranks=1000001 is out of range. Give 1 to 1000000.");
  EXPECT_EQ(plan_error({"--ranks=many"}), "--ranks=many is not a whole number. Give a whole number.");
}

TEST(PlanConfig, SpeedsAndImagesArePositive) {
  EXPECT_EQ(plan_error({"--ranks=1", "--rank-tflops=0"}),
            "--rank-tflops=0 is out of range (times are divided by it). Give 1e-06 to 1000000000.");
  EXPECT_EQ(plan_error({"--ranks=1", "--network-gbps=-1"}),
            "--network-gbps=-1 is out of range (times are divided by it). Give 1e-06 to 1000000000.");
  EXPECT_EQ(plan_error({"--ranks=1", "--images=0"}), "--images=0 is out of range. Give 1 to 1000000000.");
}

}  // namespace
}  // namespace incubate
