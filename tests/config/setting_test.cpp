#include "config/setting.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/check.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

/// Returns the value that the text of `value` reads back as.
template <typename T>
T read_back(const T& value) {
  T copy{};
  from_text("name", to_text(value), copy);
  return copy;
}

TEST(Setting, TextOfAValueReadsBackAsTheSame) {
  for (const double value : {0.0, 0.1, 1.0 / 3, 1e-8, 5e-4, 1e300, -0x1p-1074, 123456789.125}) {
    EXPECT_EQ(read_back(value), value);
  }
  for (const std::int64_t value : {std::int64_t{0}, INT64_MIN, INT64_MAX}) EXPECT_EQ(read_back(value), value);
  for (const bool value : {true, false}) EXPECT_EQ(read_back(value), value);
  EXPECT_EQ(read_back(std::string("a b=c")), "a b=c");
  EXPECT_EQ(read_back(std::vector<std::int64_t>{3, -4, 5}), (std::vector<std::int64_t>{3, -4, 5}));
  EXPECT_EQ(read_back(std::vector<double>{}), std::vector<double>{});
  EXPECT_EQ(read_back(std::vector<double>{0.485, 1.0 / 3}), (std::vector<double>{0.485, 1.0 / 3}));
  EXPECT_EQ(read_back(std::vector<std::string>{"T-shirt/top", "Ankle boot"}),
            (std::vector<std::string>{"T-shirt/top", "Ankle boot"}));
  EXPECT_EQ(read_back(std::vector<std::string>{"", "a", ""}), (std::vector<std::string>{"", "a", ""}));
}

TEST(Setting, ItemsOfAListMayHaveCommasAndQuotes) {
  for (const std::string item : {"tench, Tinca tinca", ",", "\"", "\"a\", b", " a ", "", "a\"b", "\n"}) {
    for (const std::vector<std::string>& list : {std::vector{item}, {item, "b"}, {"a", item, item}}) {
      EXPECT_EQ(read_back(list), list) << to_text(list);
    }
  }
  std::vector<std::string> names;
  from_text("names", R"( "tench, Tinca tinca" , gold fish,"a ""b""")", names);
  EXPECT_EQ(names, (std::vector<std::string>{"tench, Tinca tinca", "gold fish", "a \"b\""}));
  for (const std::string text : {"\"a", "\"a\"b", "a,\"b\" c", "\"\"\""}) {
    EXPECT_EQ(thrown_message<InputError>([&] { from_text("names", text, names); }),
              "names=" + text + " has a quote that does not end before a comma. Write a quote within quotes twice.");
  }
}

TEST(Setting, ListsMayHaveSpacesAroundCommas) {
  std::vector<std::int64_t> values = {9};
  from_text("name", "1, 2 ,3", values);
  EXPECT_EQ(values, (std::vector<std::int64_t>{1, 2, 3}));
  from_text("name", " ", values);
  EXPECT_EQ(values, std::vector<std::int64_t>{});
}

TEST(Setting, TextOfAnotherTypeIsRefused) {
  const auto message = [](auto value, const std::string& text) {
    return thrown_message<InputError>([&] { from_text("s.k", text, value); });
  };
  for (const char* text : {"", "1.5", "1x", " 1", "x", "0x10", "9223372036854775808"}) {
    EXPECT_EQ(message(std::int64_t{}, text),
              "s.k=" + std::string(text) + " is not a whole number. Give a whole number.");
  }
  for (const char* text : {"", "1.5.", "x", " 1", "1e999"}) {
    EXPECT_EQ(message(double{}, text), "s.k=" + std::string(text) + " is not a number. Give a number.");
  }
  for (const char* text : {"inf", "-inf", "nan"}) {
    EXPECT_EQ(message(double{}, text), "s.k=" + std::string(text) + " is not finite. Give a finite number.");
  }
  for (const char* text : {"", "1", "True", "yes"}) {
    EXPECT_EQ(message(bool{}, text), "s.k=" + std::string(text) + " is neither true nor false. Give true or false.");
  }
  EXPECT_EQ(message(std::vector<std::int64_t>{}, "1,,2"), "s.k= is not a whole number. Give a whole number.");
  EXPECT_EQ(message(std::vector<double>{}, "1,x"), "s.k=x is not a number. Give a number.");
}

TEST(Setting, EnumTextOutsideItsNamesIsRefused) {
  enum class Colour { red, green, blue };
  Colour colour = Colour::green;
  const Setting setting =
      make_enum_setting<Colour>("s.k", colour, {{Colour::red, "red"}, {Colour::green, "green"}, {Colour::blue, "blue"}},
                                Kind::result, "a colour");
  EXPECT_EQ(setting.get(), "green");
  EXPECT_EQ(setting.unit, "red|green|blue");
  setting.set("blue");
  EXPECT_EQ(colour, Colour::blue);
  EXPECT_EQ(thrown_message<InputError>([&] { setting.set("Red"); }),
            "s.k=Red is not one of its values. Give red, green or blue.");
  EXPECT_EQ(colour, Colour::blue);
}

TEST(Setting, OfManyNamesTheNearestIsSuggested) {
  std::string network = "vit_b16";
  EnumNames<std::string> names;
  for (const char* name : {"custom", "vit_b16", "vit_l16", "deit_ti", "deit_s", "resnet110"})
    names.emplace_back(name, name);
  const Setting setting = make_enum_setting<std::string>("s.k", network, names, Kind::result, "a network");
  const std::string all = "is not one of its values. Give custom, vit_b16, vit_l16, deit_ti, deit_s or resnet110.";
  EXPECT_EQ(thrown_message<InputError>([&] { setting.set("vit_b61"); }),
            "s.k=vit_b61 " + all + " Did you mean vit_b16?");
  EXPECT_EQ(thrown_message<InputError>([&] { setting.set("resnet"); }),
            "s.k=resnet " + all + " Did you mean resnet110?");
  EXPECT_EQ(thrown_message<InputError>([&] { setting.set("xyz"); }), "s.k=xyz " + all);
}

}  // namespace
}  // namespace incubate
