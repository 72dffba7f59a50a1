#include "vision/dataset.h"

#include <functional>

#include <gtest/gtest.h>

#include "base/check.h"
#include "hdf5/verified_file.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

/// The content of a packed file with two images a split; tests change one part of it.
struct Content {
  std::string filetype = "incubate dataset";
  std::int64_t version = 1;
  std::vector<hsize_t> validation_shape = {2, 1, 1, 3};
  std::vector<std::int64_t> train_labels = {0, 1};
  std::vector<hsize_t> train_shape = {2, 1, 1, 3};
  bool has_real_numbers = false;
};

std::string check_error(const Content& content) {
  const TemporaryDirectory directory;
  const FilePath path = directory / "d.h5";
  write_verified_file(path, [&](Hdf5File& file) {
    file.write_attribute("filetype", content.filetype);
    file.write_attribute("version", content.version);
    file.write_strings("/class_names", {"a", "b"});
    const std::vector<std::uint8_t> bytes(6);
    file.write<std::uint8_t>("/train/images", std::span(bytes).first(content.train_shape[3] * 2), content.train_shape);
    file.write("/train/labels", content.train_labels);
    if (content.has_real_numbers) {
      file.write<double>("/validation/images", std::vector<double>(6), content.validation_shape);
    } else {
      file.write<std::uint8_t>("/validation/images", bytes, content.validation_shape);
    }
    file.write("/validation/labels", std::vector<std::int64_t>{1, 0});
  });
  std::string message = thrown_message<InputError>([&] { check_dataset(path); });
  if (message.starts_with(path.string())) message.replace(0, path.string().size(), "PATH");
  return message;
}

TEST(Dataset, ConsistentFilesPass) { EXPECT_EQ(check_error({}), "(no error)"); }

TEST(Dataset, OtherFileTypesAreRefused) {
  EXPECT_EQ(
      check_error({.filetype = "incubate checkpoint"}),
      "PATH has the file type 'incubate checkpoint', not 'incubate dataset'. Name a file written by 'incubate pack'.");
}

TEST(Dataset, OtherVersionsAreRefused) {
  EXPECT_EQ(check_error({.version = 3}), "PATH has version 3 of its format; this program reads 1 to 2. Pack it again.");
}

TEST(Dataset, LabelsMustBeAsManyAsImages) {
  EXPECT_EQ(check_error({.train_labels = {0, 1, 1}}), "PATH: /train has 3 labels for 2 images. Pack it again.");
}

TEST(Dataset, LabelsMustBeBelowTheNumberOfClasses) {
  EXPECT_EQ(check_error({.train_labels = {0, 2}}),
            "PATH/train: label 2 of image 1 is not below the number of classes, 2. Give a name for every class.");
}

TEST(Dataset, BothSplitsMustHaveImagesOfOneShape) {
  EXPECT_EQ(check_error({.validation_shape = {2, 1, 3, 1}}),
            "PATH: images of 1x1x3 in /train but 1x3x1 in /validation. Pack it again.");
}

TEST(Dataset, ImagesMustHaveTheTypeOfTheVersion) {
  EXPECT_EQ(check_error({.has_real_numbers = true}),
            "PATH: /validation has images of type <f8, not unsigned integers of 8 bits. Pack it again.");
  EXPECT_EQ(check_error({.version = 2}),
            "PATH: /train has images of type |u1, not unsigned integers of 16 bits. Pack it again.");
}

TEST(Dataset, ImagesMustHavePixels) {
  EXPECT_EQ(check_error({.train_shape = {2, 1, 1, 0}}), "PATH: /train has 2 images of 1x1x0. Pack it again.");
}

TEST(Dataset, IntactFilesWithOtherContentAreRefused) {
  const TemporaryDirectory directory;
  const FilePath path = directory / "d.h5";
  write_verified_file(path, [](Hdf5File& file) { file.write_attribute("other", std::int64_t{1}); });
  const std::string message = thrown_message<InputError>([&] { check_dataset(path); });
  EXPECT_TRUE(message.starts_with(path.string() + ": cannot read attribute 'filetype' in " + path.string() + ": "));
  EXPECT_TRUE(message.ends_with(". It is intact but not what this program writes. Make or copy it again."));
}

TEST(Dataset, MissingFilesAreNamed) {
  EXPECT_EQ(thrown_message<InputError>([] { check_dataset("/no/such.h5"); }),
            "/no/such.h5 cannot be read: No such file or directory. Check the path.");
}

}  // namespace
}  // namespace incubate
