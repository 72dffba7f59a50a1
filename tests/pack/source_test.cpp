#include "pack/source.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

std::vector<std::string> names_of(const Listing& listing) {
  std::vector<std::string> names;
  for (const SourceFile& file : listing.files) names.push_back(listing.classes[file.label] + ": " + file.name);
  return names;
}

TEST(SourceText, AListingComesBackFromText) {
  Listing listing;
  listing.add("b", {.name = "b/with space\nand line.jpg", .bytes = 0, .modified_ns = -5});
  listing.add("a",
              {.name = "a/\xC3\xA4.jpg", .bytes = std::int64_t{1} << 40, .modified_ns = 1, .part = 3, .offset = 9});
  listing.add("b", {.name = "b/2.jpg"});
  listing.left_out.push_back(left_out("._x", "it is hidden"));
  for (const Listing& l : {Listing(), listing}) {
    const Listing read = listing_from_text(to_text(l));
    EXPECT_EQ(read.classes, l.classes);
    EXPECT_EQ(read.files, l.files);
    EXPECT_EQ(read.left_out, l.left_out);
  }
}

TEST(SourceText, ASourceComesBackFromText) {
  Source source;
  source.split_names[Split::validation] = "val";
  source.parts = {
      {.split = Split::train, .folder = "/a b", .name = "x.tar", .class_name = "x", .begin = 512, .end = 1024},
      {.split = Split::validation, .folder = "", .name = "t.csv"}};
  source.left_out.push_back(left_out("test", "it is not packed"));
  const Source read = source_from_text(to_text(source));
  EXPECT_EQ(read.split_names, source.split_names);
  EXPECT_EQ(read.parts, source.parts);
  EXPECT_EQ(read.left_out, source.left_out);
}

TEST(SourceListing, IsSortedByClassAndNameHoweverItWasJoined) {
  Listing first, second, third;
  first.add("10", {.name = "z"});
  second.add("9", {.name = "y"});
  second.add("10", {.name = "x"});
  third.add("cat", {.name = "a"});
  third.add("9", {.name = "b"});
  Listing forwards, backwards, as_bytes;
  for (Listing* part : {&first, &second, &third}) forwards.append(*part);
  for (Listing* part : {&third, &second, &first}) backwards.append(*part);
  as_bytes.append(backwards);
  forwards.sort(true, {});
  backwards.sort(true, {});
  EXPECT_EQ(names_of(forwards), (std::vector<std::string>{"9: b", "9: y", "10: x", "10: z", "cat: a"}));
  EXPECT_EQ(names_of(backwards), names_of(forwards));
  EXPECT_EQ(backwards.classes, forwards.classes);
  as_bytes.sort(false, {});
  EXPECT_EQ(names_of(as_bytes), (std::vector<std::string>{"10: x", "10: z", "9: b", "9: y", "cat: a"}));
}

TEST(SourceListing, AFileIsThereOnce) {
  Source source;
  source.parts = {{.folder = "d", .name = "a.tar"}, {.folder = "d", .name = "b.tar"}};
  Listing listing;
  listing.add("cat", {.name = "cat/1.jpg", .part = 0});
  listing.add("dog", {.name = "cat/1.jpg", .part = 1});
  EXPECT_EQ(thrown_message<InputError>([&] { listing.sort(false, source); }).substr(0, 12), "cat/1.jpg is");
}

TEST(SourceListing, NumbersOfClassesAreWrittenInOneWay) {
  EXPECT_EQ(to_class_number("0"), 0);
  EXPECT_EQ(to_class_number("21840"), 21840);
  for (const char* text : {"", "007", "+7", "-1", "7 ", "7.0", "cat", "99999999999999999999"}) {
    EXPECT_EQ(to_class_number(text), -1) << text;
  }
}

}  // namespace
}  // namespace incubate
