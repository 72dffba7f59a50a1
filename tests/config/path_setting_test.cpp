#include "config/path_setting.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "base/check.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

class ExpandPath : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv("HOME", "/home/me", 1);
    ::setenv("INCUBATE_TEST_PLACE", "/scratch/me", 1);
    ::setenv("INCUBATE_TEST_EMPTY", "", 1);
    ::setenv("INCUBATE_TEST_TILDE", "~/deep", 1);
    ::unsetenv("INCUBATE_TEST_UNSET");
  }
  void TearDown() override { ::setenv("HOME", home_.c_str(), 1); }

  static std::string expand(const std::string& text) { return expand_path("run.directory", text); }
  static std::string error(const std::string& text) {
    return thrown_message<InputError>([&] { expand(text); });
  }

  const char* given_ = std::getenv("HOME");
  std::string home_ = given_ == nullptr ? "/" : given_;
};

TEST_F(ExpandPath, TildeAtTheBeginningIsAHome) {
  EXPECT_EQ(expand("~"), "/home/me");
  EXPECT_EQ(expand("~/run"), "/home/me/run");
  EXPECT_EQ(expand("~root/run"), "/root/run");
  EXPECT_EQ(expand("$INCUBATE_TEST_TILDE/a"), "/home/me/deep/a");
  for (const std::string path : {"", "run~1", "a/~/b", "./~x"}) EXPECT_EQ(expand(path), path);
}

TEST_F(ExpandPath, VariablesAreReplaced) {
  EXPECT_EQ(expand("$INCUBATE_TEST_PLACE"), "/scratch/me");
  EXPECT_EQ(expand("$INCUBATE_TEST_PLACE/run"), "/scratch/me/run");
  EXPECT_EQ(expand("a${INCUBATE_TEST_PLACE}b$INCUBATE_TEST_PLACE.h5"), "a/scratch/meb/scratch/me.h5");
  for (const std::string path : {"a$", "a$1", "a$/b", "$$"}) EXPECT_EQ(expand(path), path);
}

TEST_F(ExpandPath, WhatStandsForNothingIsRefused) {
  for (const std::string name : {"INCUBATE_TEST_UNSET", "INCUBATE_TEST_EMPTY"}) {
    EXPECT_EQ(error("$" + name + "/run"), "run.directory=$" + name + "/run has the variable " + name +
                                              ", which is not set. Set it, or give the path in full.");
  }
  for (const std::string path : {"${", "${}", "${INCUBATE_TEST_PLACE", "${INCUBATE_TEST_PLACE:-x}", "$(date)/run"}) {
    EXPECT_EQ(error(path), "run.directory=" + path +
                               " is no path: only $NAME and ${NAME} stand for something there. Give the path in full.");
  }
  EXPECT_EQ(
      error("~no-such-user/run"),
      "run.directory=~no-such-user/run begins with ~no-such-user, but no such home folder is known. Give the path "
      "in full; a file of that name is ./~no-such-user.");
}

TEST_F(ExpandPath, LongNamesAreRefused) {
  const std::string fits(255, 'a');
  EXPECT_EQ(expand("/x/" + fits + "/y"), "/x/" + fits + "/y");
  EXPECT_EQ(error(fits + "a/y"), "run.directory=" + std::string(200, 'a') +
                                     "... is too long: a name in it has 256 bytes (file systems take 255). Give a "
                                     "shorter one.");
  std::string deep;
  while (deep.size() <= 3840) deep += "/0123456789";
  EXPECT_EQ(error(deep), "run.directory=" + deep.substr(0, 200) + "... is too long: it has " +
                             std::to_string(deep.size()) + " bytes (there may be 3840). Give a shorter path.");
}

TEST_F(ExpandPath, SettingsExpandTheirValues) {
  std::string path;
  const Setting one = make_path_setting("output", path, Kind::operation, "a file");
  one.set("~/x");
  EXPECT_EQ(path, "/home/me/x");
  EXPECT_EQ(one.get(), "/home/me/x");
  EXPECT_EQ(one.unit, "path");
  std::vector<std::string> paths;
  const Setting several = make_paths_setting("files", paths, Kind::operation, "files");
  several.set("~/x, $INCUBATE_TEST_PLACE/y");
  EXPECT_EQ(paths, (std::vector<std::string>{"/home/me/x", "/scratch/me/y"}));
  EXPECT_TRUE(thrown_message<InputError>([&] { several.set("a,$INCUBATE_TEST_UNSET"); }).starts_with("--files=$INC"));
}

TEST(PathSetting, PatternsStandForFilesAsInBash) {
  const TemporaryDirectory directory;
  const std::string place = directory.path().string() + "/";
  for (const char* name : {"b.tar", "a.tar", "a.txt", "[1].tar"}) std::ofstream(place + name) << name;
  using Names = std::vector<std::string>;
  EXPECT_EQ(expand_pattern("t-{008..011}.tar"), (Names{"t-008.tar", "t-009.tar", "t-010.tar", "t-011.tar"}));
  EXPECT_EQ(expand_pattern("{0..1}/{9..10}"), (Names{"0/9", "0/10", "1/9", "1/10"}));
  EXPECT_EQ(expand_pattern(place + "?.tar"), (Names{place + "a.tar", place + "b.tar"}));
  EXPECT_EQ(expand_pattern(place + "[1].tar"), Names{place + "[1].tar"});
  for (const std::string same : {"a", "{a..b}", "{1..", "{x,y}", "}1..2{", "none-*.tar"}) {
    EXPECT_EQ(expand_pattern(same), Names{same});
  }
  std::vector<std::string> paths;
  make_paths_setting("files", paths, Kind::operation, "files").set("x, y{1..2}, " + place + "a.*");
  EXPECT_EQ(paths, (Names{"x", "y1", "y2", place + "a.tar", place + "a.txt"}));
}

}  // namespace
}  // namespace incubate
