#include "base/clean_text.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

std::string error_of_name(const std::string& text) {
  return thrown_message<InputError>([&] { clean_text(text, "f.txt"); });
}

std::string refused(const std::string& shown) {
  return "f.txt: '" + shown +
         "' has an invisible character, as editors and web pages leave them. Take it out, or type this anew.";
}

TEST(CleanText, TextThatIsSeenStays) {
  for (const std::string text :
       {"", "a b\tc\n", "M\xC3\xBCnze", "\xE7\x8A\xAC\n\xF0\x9F\x90\x95", "M\xFCnze", "\xE2\x80"}) {
    EXPECT_EQ(clean_text(text, "f.txt"), text);
  }
}

TEST(CleanText, TheMarkBeforeTheTextGoes) {
  EXPECT_EQ(clean_text("\xEF\xBB\xBF"
                       "a",
                       "f.txt"),
            "a");
}

TEST(CleanText, LinesEndInOneWay) { EXPECT_EQ(clean_text("a\r\nb\rc\n\r\n", "f.txt"), "a\nb\nc\n\n"); }

TEST(CleanText, SpacesAreSpaces) {
  EXPECT_EQ(clean_text("a\xC2\xA0"
                       "b\xE2\x80\xAF"
                       "c\xE3\x80\x80"
                       "d",
                       "f.txt"),
            "a b c d");
}

TEST(CleanText, InvisibleCharactersAreShown) {
  EXPECT_EQ(error_of_name("[run]\nwi\xE2\x80\x8B"
                          "dth = 3\nx"),
            refused("wi<U+200B>dth = 3"));
  EXPECT_EQ(error_of_name("a\n\xEF\xBB\xBF"
                          "b\xC2\xAD"),
            refused("<U+FEFF>b<U+00AD>"));
  EXPECT_EQ(error_of_name(std::string("a\0b", 3)), refused("a<U+0000>b"));
  EXPECT_EQ(error_of_name("a\x1B[1m"), refused("a<U+001B>[1m"));
  EXPECT_EQ(error_of_name("\xE2\x80\x8D"
                          "a"),
            refused("<U+200D>a"));
}

TEST(CleanText, LongLinesAreShownInPart) {
  EXPECT_EQ(error_of_name(std::string(1000, 'a') + '\0' + std::string(1000, 'b')),
            refused(std::string(60, 'a') + "<U+0000>" + std::string(59, 'b')));
}

TEST(CleanText, JoinersStandBetweenLettersThatTheyJoin) {
  const std::string persian = "\xD9\x85\xDB\x8C\xE2\x80\x8C\xD8\xB4";
  EXPECT_EQ(clean_text(persian, "f.txt"), persian);
}

TEST(CleanText, Utf16IsNamed) {
  const std::string message = "f.txt is in UTF-16 (it begins with the byte order mark of it). Save it as UTF-8.";
  EXPECT_EQ(error_of_name(std::string("\xFF\xFE[\0", 4)), message);
  EXPECT_EQ(error_of_name(std::string("\xFE\xFF\0[", 4)), message);
}

TEST(CleanText, ALineIsOne) {
  EXPECT_EQ(clean_line("a\r", "f.txt"), "a");
  EXPECT_EQ(clean_line("a\n", "f.txt"), "a");
  EXPECT_EQ(thrown_message<InputError>([] { clean_line("a\nb", "f.txt"); }),
            "f.txt: 'a<U+000A>b' has more than one line. Give one.");
}

}  // namespace
}  // namespace incubate
