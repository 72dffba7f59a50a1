#include "config/pack_config.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "config/parse.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

const std::vector<std::string> kComplete = {"--train-images=a",      "--train-labels=b",  "--validation-images=c",
                                            "--validation-labels=d", "--class-names=x,y", "--output=o"};

std::string pack_error(const std::vector<std::string>& arguments) {
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
  const std::vector<std::string> rest = {
      "--train-images=path (training images (IDX, gzip'ed or not; NPY; HDF5 as FILE:/DATASET))",
      "--train-labels=path (training labels)",
      "--validation-images=path (images to evaluate on)",
      "--validation-labels=path (their labels)",
      "--class-names=a,b,... (one name a class, in order of the labels)",
      "--output=path (HDF5 file to write)"};
  for (std::size_t i = 0; i < kComplete.size(); ++i) {
    std::vector<std::string> arguments = kComplete;
    arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(i));
    const std::string option = kComplete[i].substr(0, kComplete[i].find('='));
    EXPECT_EQ(pack_error(arguments), option + " is missing: pack needs it. Give " + rest[i] + ".");
  }
}

TEST(PackConfig, CifarNeedsItsFilesAndNames) {
  EXPECT_EQ(
      pack_error({"--format=cifar", "--train-files=a,b", "--validation-files=c", "--class-names-file=n", "--output=o"}),
      "(no error)");
  EXPECT_EQ(pack_error({"--format=cifar", "--train-files=a", "--validation-files=c", "--output=o"}),
            "--class-names is missing: pack needs it. Give --class-names=a,b,... (one name a class, in order of the "
            "labels).");
  EXPECT_EQ(pack_error({"--format=cifar", "--train-images=a"}),
            "--train-images is given but --format=cifar has no use for it. Leave it out.");
  EXPECT_EQ(pack_error({"--format=cifar", "--train-files=a", "--validation-files=c", "--class-names-file=n",
                        "--class-names=x", "--output=o"}),
            "--class-names and --class-names-file are both given (they say the same). Give one.");
}

TEST(PackConfig, SubsetIsAShare) {
  for (const char* share : {"0", "1.5"}) {
    std::vector<std::string> arguments = kComplete;
    arguments.push_back(std::string("--subset=") + share);
    EXPECT_EQ(pack_error(arguments),
              std::string("--subset=") + share + " is out of range. Give more than 0 and at most 1.");
  }
}

TEST(PackConfig, AFolderNeedsItselfAndAnOutput) {
  EXPECT_EQ(pack_error({"--format=folder", "--folder=f", "--output=o"}), "(no error)");
  EXPECT_EQ(pack_error({"--format=folder", "--folder=f", "--output=o", "--shorter-side=256", "--quality=80",
                        "--shard-mb=0.5", "--class-names-file=n", "--subset=0.1"}),
            "(no error)");
  EXPECT_EQ(pack_error({"--format=folder", "--output=o"}),
            "--folder is missing: pack needs it. Give --folder=path (with train/CLASS/ and validation/CLASS/ (or "
            "val/)).");
  EXPECT_EQ(pack_error({"--format=folder", "--folder=f", "--output=o", "--class-names=a,b"}),
            "--class-names is given but --format=folder has no use for it. Leave it out.");
  EXPECT_EQ(pack_error({"--folder=f", "--output=o"}),
            "--folder=f is given but --format=idx has no use for it. Give --format=folder, or leave it out.");
  std::vector<std::string> idx = kComplete;
  idx.emplace_back("--quality=80");
  EXPECT_EQ(pack_error(idx), "--quality is given but --format=idx has no use for it. Leave it out.");
}

TEST(PackConfig, ArchivesAndTablesNeedTheirFiles) {
  for (const std::string format : {"tar", "webdataset", "csv"}) {
    EXPECT_EQ(pack_error({"--format=" + format, "--train-files=a,b", "--validation-files=c", "--output=o",
                          "--shorter-side=256", "--quality=80", "--shard-mb=0.5", "--class-names-file=n"}),
              "(no error)");
    EXPECT_EQ(
        pack_error({"--format=" + format, "--train-files=a", "--output=o"}),
        "--validation-files is missing: pack needs it. Give --validation-files=a,b,... (such files to evaluate on).");
    EXPECT_EQ(
        pack_error(
            {"--format=" + format, "--train-files=a", "--validation-files=c", "--output=o", "--class-names=x,y"}),
        format == "tar" ? "--class-names is given but --format=tar has no use for it. Leave it out." : "(no error)");
  }
}

TEST(PackConfig, AFoldersOptionsHaveRangesAndDefaults) {
  const auto error_with = [](const std::string& option) {
    return pack_error({"--format=folder", "--folder=f", "--output=o", option});
  };
  EXPECT_EQ(error_with("--shorter-side=0"), "--shorter-side=0 is out of range. Give 1 to 65500, such as 256.");
  EXPECT_EQ(error_with("--quality=101"), "--quality=101 is out of range. Give 1 to 100, such as 90.");
  EXPECT_EQ(error_with("--quality=80"),
            "--quality=80 is given without --shorter-side: other images stay as they are. Leave it out, or give "
            "--shorter-side.");
  EXPECT_EQ(error_with("--shard-mb=0"), "--shard-mb=0 is out of range. Give 0.001 to 1000000, such as 1500.");
  EXPECT_EQ(PackConfig().quality, 90);
  EXPECT_EQ(PackConfig().shard_bytes(), 1'500'000'000);
}

TEST(PackConfig, AShareForValidationStandsForItsFiles) {
  const std::string share = "--validation-share=0.1";
  EXPECT_EQ(pack_error({"--train-images=a", "--train-labels=b", "--class-names=x,y", "--output=o", share}),
            "(no error)");
  EXPECT_EQ(pack_error({"--format=cifar", "--train-files=a", "--class-names=x,y", "--output=o", share}), "(no error)");
  EXPECT_EQ(pack_error({"--format=folder", "--folder=f", "--output=o", share, "--seed=3"}), "(no error)");
  EXPECT_EQ(pack_error({"--format=tar", "--train-files=a", "--output=o", share, "--subset=0.5"}), "(no error)");
  EXPECT_EQ(
      pack_error({"--format=tar", "--train-files=a", "--validation-files=b", "--output=o", share}),
      "--validation-files and --validation-share=0.1 are both given (each makes the validation split). Give one.");
  EXPECT_EQ(pack_error({"--format=tar", "--train-files=a", "--validation-files=b", "--output=o", "--seed=3"}),
            "--seed=3 is given without --validation-share: it chooses nothing else. Leave it out, or give "
            "--validation-share.");
  for (const char* wrong : {"0", "0.95"}) {
    EXPECT_EQ(pack_error({std::string("--validation-share=") + wrong}),
              std::string("--validation-share=") + wrong +
                  " is out of range. Give more than 0 and at most 0.9, such as 0.1.");
  }
}

TEST(PackConfig, VerifyingTakesNothingElse) {
  EXPECT_EQ(pack_error({"--verify=f"}), "(no error)");
  EXPECT_EQ(pack_error({"--format=folder", "--verify=f"}), "(no error)");
  EXPECT_EQ(pack_error({"--verify=f", "--output=o"}),
            "--output is given beside --verify, which packs nothing. Leave one of them out.");
}

TEST(PackConfig, UnknownFormatIsRefused) {
  EXPECT_EQ(pack_error({"--format=png"}),
            "--format=png is not one of its values. Give idx, npy, hdf5, cifar, folder, tar, webdataset or csv.");
}

}  // namespace
}  // namespace incubate
