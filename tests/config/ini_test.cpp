#include "config/ini.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

/// Returns the value of a line "key = ...".
std::string value_of(const std::string& text) { return split_ini("key =" + text, "f.ini").at(0).second; }

std::string error_of_line(const std::string& line) {
  return thrown_message<InputError>([&] { split_ini(line + "\n", "f.ini"); });
}

TEST(Ini, KeysHaveTheirSections) {
  EXPECT_EQ(split_ini("a=1\n# comment\n\n[ run ]  # of it\n  seed = 3\nx=\n[b.c]\nd = e = f", "f.ini"),
            (Settings{{"a", "1"}, {"run.seed", "3"}, {"run.x", ""}, {"b.c.d", "e = f"}}));
}

TEST(Ini, CommentsBeginBehindASpace) {
  EXPECT_EQ(value_of(" 0.5  # of the images"), "0.5");
  EXPECT_EQ(value_of(" 0.5\t# of the images"), "0.5");
  EXPECT_EQ(value_of(" # nothing"), "");
  EXPECT_EQ(value_of("# nothing"), "");
  EXPECT_EQ(value_of(" runs/seed#3"), "runs/seed#3");
  EXPECT_EQ(value_of(" runs/seed#3 # and # more"), "runs/seed#3");
  EXPECT_EQ(
      error_of_line("a = 3# of them"),
      "f.ini: 'a = 3# of them' has a # that is part of the value or begins a comment. Put the value in quotes, or "
      "a space before the #.");
}

TEST(Ini, QuotesAroundAValueGo) {
  EXPECT_EQ(value_of(" \"out/a\""), "out/a");
  EXPECT_EQ(value_of(" 'out/a'  # where all goes"), "out/a");
  EXPECT_EQ(value_of(" \" it's # 1 \""), " it's # 1 ");
  EXPECT_EQ(value_of(" ''"), "");
  EXPECT_EQ(value_of(" it's"), "it's");
  EXPECT_EQ(value_of(" a\"b\""), "a\"b\"");
}

TEST(Ini, QuotesThatDoNotHoldTheValueAreRefused) {
  for (const std::string line : {"a = \"out", "a = 'out\"", "a = \"a\",\"b\"", "a = '", "a = 'b' c"}) {
    EXPECT_EQ(error_of_line(line),
              "f.ini: '" + line +
                  "' begins with a quote that does not end with the value (quotes stand around all of a "
                  "value). Take it away, or put the value in quotes of the other kind.");
  }
  const std::string typographic = "a = \xE2\x80\x9Cout\xE2\x80\x9D";
  EXPECT_EQ(error_of_line(typographic),
            "f.ini: '" + typographic + "' has quotes that are not plain ones. Type \" or ', or none.");
}

TEST(Ini, OtherLinesAreRefused) {
  for (const std::string line : {"nonsense", "[run", "[run] seed = 3", "a: 3"}) {
    EXPECT_EQ(error_of_line(line),
              "f.ini: '" + line + "' is no line of a configuration. Lines are [section], key = value or # comment.");
  }
}

}  // namespace
}  // namespace incubate
