#include "base/log.h"

#include <regex>
#include <vector>

#include <gtest/gtest.h>

#include "base/check.h"
#include "hdf5/atomic_file.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

using Lines = std::vector<std::string>;

TEST(Log, PrintsInfoAndWarningsButNotRecords) {
  Lines lines;
  Log log(Log::Level::everything, [&](const std::string& line) { lines.push_back(line); });
  log.info("one");
  log.warn("two");
  log.record("three");
  EXPECT_EQ(lines, (Lines{"one", "warning: two"}));
}

TEST(Log, OtherRanksPrintWarningsOnly) {
  Lines lines;
  Log log(Log::Level::warnings_only, [&](const std::string& line) { lines.push_back(line); });
  log.info("one");
  log.warn("two");
  EXPECT_EQ(lines, (Lines{"warning: two"}));
}

TEST(Log, FileHoldsTimeLevelAndAllMessagesSinceItWasAttached) {
  const TemporaryDirectory directory;
  Log log(Log::Level::everything, [](const std::string&) {});
  log.info("before");
  log.attach_file(directory / "log.txt");
  log.info("one");
  log.warn("two");
  log.record("three");
  const std::string time = R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} )";
  const std::string text = read_text(directory / "log.txt");
  EXPECT_TRUE(
      std::regex_match(text, std::regex(time + "info  one\n" + time + "warning  two\n" + time + "info  three\n")))
      << text;
}

TEST(Log, AppendsToAnOlderFile) {
  const TemporaryDirectory directory;
  replace_text_atomically(directory / "log.txt", "older\n");
  Log log(Log::Level::everything, [](const std::string&) {});
  log.attach_file(directory / "log.txt");
  log.info("newer");
  EXPECT_TRUE(read_text(directory / "log.txt").starts_with("older\n"));
}

TEST(Log, FileThatCannotBeOpenedIsTheUsersError) {
  const TemporaryDirectory directory;
  replace_text_atomically(directory / "file", "");
  Log log(Log::Level::everything, [](const std::string&) {});
  EXPECT_TRUE(thrown_message<InputError>([&] {
                log.attach_file(directory / "file/log.txt");
              }).starts_with("cannot write the log: "));
}

}  // namespace
}  // namespace incubate
