#include "config/pack_config.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "config/parse.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

const std::vector<std::string> kComplete = {"--train-images=a",      "--train-labels=b",  "--validation-images=c",
                                            "--validation-labels=d", "--class-names=x,y", "--output=o"};

std::string error_of(const std::vector<std::string>& arguments) {
  PackConfig config;
  return thrown_message<InputError>([&] {
    parse_arguments(arguments, list_settings(config));
    validate(config);
  });
}

TEST(PackConfig, CompleteArgumentsAreRead) {
  PackConfig config;
  parse_arguments(kComplete, list_settings(config));
  EXPECT_NO_THROW(validate(config));
  EXPECT_EQ(config.train_images, "a");
  EXPECT_EQ(config.train_labels, "b");
  EXPECT_EQ(config.validation_images, "c");
  EXPECT_EQ(config.validation_labels, "d");
  EXPECT_EQ(config.class_names, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(config.output, "o");
}

TEST(PackConfig, EachArgumentIsNeeded) {
  const std::vector<std::string> rest = {"--train-images=path (training images (IDX, gzip'ed or not))",
                                         "--train-labels=path (training labels)",
                                         "--validation-images=path (images to evaluate on)",
                                         "--validation-labels=path (their labels)",
                                         "--class-names=a,b,... (one name a class, in order of the labels)",
                                         "--output=path (HDF5 file to write)"};
  for (std::size_t i = 0; i < kComplete.size(); ++i) {
    std::vector<std::string> arguments = kComplete;
    arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(i));
    const std::string option = kComplete[i].substr(0, kComplete[i].find('='));
    EXPECT_EQ(error_of(arguments), option + " is missing: pack needs it. Give " + rest[i] + ".");
  }
}

TEST(PackConfig, CifarNeedsItsFilesAndNames) {
  EXPECT_EQ(
      error_of({"--format=cifar", "--train-files=a,b", "--validation-files=c", "--class-names-file=n", "--output=o"}),
      "(no error)");
  EXPECT_EQ(error_of({"--format=cifar", "--train-files=a", "--validation-files=c", "--output=o"}),
            "--class-names is missing: pack needs it. Give --class-names=a,b,... (one name a class, in order of the "
            "labels).");
  EXPECT_EQ(error_of({"--format=cifar", "--train-images=a"}),
            "--train-images is given but --format=cifar has no use for it. Leave it out.");
  EXPECT_EQ(error_of({"--format=cifar", "--train-files=a", "--validation-files=c", "--class-names-file=n",
                      "--class-names=x", "--output=o"}),
            "--class-names and --class-names-file are both given (they say the same). Give one.");
}

TEST(PackConfig, SubsetIsAShare) {
  for (const char* share : {"0", "1.5"}) {
    std::vector<std::string> arguments = kComplete;
    arguments.push_back(std::string("--subset=") + share);
    EXPECT_EQ(error_of(arguments), std::string("--subset=") + share + " is out of range. Give more than 0, up to 1.");
  }
}

TEST(PackConfig, UnknownFormatIsRefused) {
  EXPECT_EQ(error_of({"--format=png"}), "format=png is not one of its values. Give idx or cifar.");
}

}  // namespace
}  // namespace incubate
