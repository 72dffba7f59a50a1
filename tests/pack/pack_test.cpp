#include "pack/pack.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "hdf5/verified_file.h"
#include "support/small_dataset.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

class Pack : public testing::Test {
 protected:
  Pack()
      : config_(write_small_idx(directory_.path(), {.num_train = 7, .num_validation = 4, .side = 5, .classes = 3})) {}

  DatasetInfo pack() { return incubate::pack(config_, was_complete_, log_); }
  std::string error() {
    return thrown_message<InputError>([this] { pack(); });
  }

  TemporaryDirectory directory_;
  PackConfig config_;
  bool was_complete_ = false;
  std::vector<std::string> lines_;
  Log log_{Log::Level::everything, [this](const std::string& line) { lines_.push_back(line); }};
};

TEST_F(Pack, ReturnsWhatTheFileHolds) {
  const DatasetInfo info = pack();
  EXPECT_FALSE(was_complete_);
  EXPECT_EQ(info.num_train, 7);
  EXPECT_EQ(info.num_validation, 4);
  EXPECT_EQ(info.height, 5);
  EXPECT_EQ(info.width, 5);
  EXPECT_EQ(info.channels, 1);
  EXPECT_EQ(info.class_names, (std::vector<std::string>{"class 0", "class 1", "class 2"}));
  EXPECT_EQ(info.digest, stated_digest(config_.output));
}

TEST_F(Pack, ImagesAndLabelsComeBack) {
  pack();
  for (const Split split : {Split::train, Split::validation}) {
    const ArrayDataset dataset(config_.output, split);
    ASSERT_EQ(dataset.num_images(), split == Split::train ? 7 : 4);
    EXPECT_EQ(dataset.height(), 5);
    EXPECT_EQ(dataset.width(), 5);
    EXPECT_EQ(dataset.channels(), 1);
    for (std::uint32_t i = 0; i < dataset.num_images(); ++i) {
      EXPECT_EQ(dataset.label(i), i % 3);
      ASSERT_EQ(dataset.image(i).size(), 25);
      for (std::uint32_t k = 0; k < 25; ++k) EXPECT_EQ(dataset.image(i)[k], small_dataset_byte(i, k, 3));
    }
  }
}

TEST_F(Pack, FileHasTheStatedFormat) {
  pack();
  const Hdf5File file = Hdf5File::open(config_.output);
  EXPECT_EQ(file.read_string_attribute("filetype"), "incubate dataset");
  EXPECT_EQ(file.read_int_attribute("version"), 1);
  EXPECT_EQ(file.read_string_attribute("source"),
            "train-images.gz, train-labels, validation-images.gz, validation-labels");
  EXPECT_EQ(file.shape("/train/images"), (std::vector<hsize_t>{7, 5, 5, 1}));
  EXPECT_EQ(file.shape("/validation/labels"), std::vector<hsize_t>{4});
}

TEST_F(Pack, ASecondTimeNothingIsWritten) {
  const DatasetInfo first = pack();
  const auto written = std::filesystem::last_write_time(config_.output);
  const std::string bytes = read_text(config_.output);
  std::filesystem::last_write_time(config_.output, written - std::chrono::hours(1));
  const DatasetInfo second = pack();
  EXPECT_TRUE(was_complete_);
  EXPECT_EQ(std::filesystem::last_write_time(config_.output), written - std::chrono::hours(1));
  EXPECT_EQ(read_text(config_.output), bytes);
  EXPECT_EQ(second.digest, first.digest);
  EXPECT_EQ(second.class_names, first.class_names);
}

TEST_F(Pack, EqualSourcesMakeEqualBytes) {
  pack();
  const std::string bytes = read_text(config_.output);
  config_.output = directory_ / "sub/other.h5";
  pack();
  EXPECT_EQ(read_text(config_.output), bytes);
}

TEST_F(Pack, ChangedSourcesNamesAndDamageArePackedAgain) {
  const std::string digest = pack().digest;
  config_.class_names[0] = "other";
  const std::string renamed = pack().digest;
  EXPECT_FALSE(was_complete_);
  EXPECT_NE(renamed, digest);

  write_plain(config_.train_labels, idx_bytes({7}, {2, 2, 2, 2, 2, 2, 2}));
  EXPECT_NE(pack().digest, renamed);
  EXPECT_FALSE(was_complete_);
  EXPECT_EQ(ArrayDataset(config_.output, Split::train).label(0), 2);

  std::string bytes = read_text(config_.output);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_plain(config_.output, bytes);
  pack();
  EXPECT_FALSE(was_complete_);
  EXPECT_NO_THROW(check_dataset(config_.output));
}

TEST_F(Pack, LabelsBeyondTheClassesAreRefused) {
  write_plain(config_.train_labels, idx_bytes({7}, {0, 1, 2, 0, 3, 0, 9}));
  EXPECT_EQ(error(), config_.train_labels +
                         ": label 3 of image 4 is not below the number of classes, 3. "
                         "Give a name for every class.");
  EXPECT_FALSE(std::filesystem::exists(config_.output));
}

TEST_F(Pack, ClassesWithoutImagesAreWarnedOf) {
  pack();
  EXPECT_TRUE(lines_.empty());
  config_.class_names.emplace_back("dusk");
  pack();
  EXPECT_EQ(lines_, (std::vector<std::string>{"warning: no train image is of class dusk",
                                              "warning: no validation image is of class dusk"}));
}

TEST_F(Pack, OneClassIsRefused) {
  config_.class_names = {"night"};
  EXPECT_EQ(error(), "'night' is the only class (training needs two classes). Name all classes.");
  config_.class_names = {config_.train_labels};
  EXPECT_EQ(
      thrown_message<InputError>([this] { validate(config_); }),
      "--class-names=" + config_.train_labels + " is a file, not the names of classes. Give it as --class-names-file.");
}

TEST_F(Pack, NegativeLabelsAreRefused) {
  const std::vector<std::int64_t> labels = {0, -1};
  EXPECT_EQ(thrown_message<InputError>([&] { check_labels(labels, 2, "here"); }),
            "here: label -1 of image 1 is not below the number of classes, 2. Give a name for every class.");
}

TEST_F(Pack, CountsMustBelongTogether) {
  write_plain(config_.validation_labels, idx_bytes({3}, {0, 1, 2}));
  EXPECT_EQ(error(), config_.validation_labels + " has 3 labels but " + config_.validation_images +
                         " has 4 images. Give the files that belong together.");
}

TEST_F(Pack, BothSplitsHaveImagesOfOneSize) {
  write_plain(config_.validation_images, idx_bytes({4, 5, 6}, std::vector<std::uint8_t>(120)));
  EXPECT_EQ(error(), "training images are 5x5 but validation images 5x6. Give files that belong together.");
}

TEST_F(Pack, MissingSourcesAreNamed) {
  config_.validation_images = directory_ / "none";
  EXPECT_EQ(error(), config_.validation_images + " cannot be read: No such file or directory. Check the path.");
}

TEST_F(Pack, ASubsetIsPackedAnewAndKeepsTheValidation) {
  const DatasetInfo all = pack();
  config_.subset = 0.5;
  const DatasetInfo half = pack();
  EXPECT_FALSE(was_complete_);
  EXPECT_EQ(half.num_train, 4);  // of 3, 2 and 2 images: 2, 1 and 1
  EXPECT_EQ(half.num_validation, all.num_validation);
  EXPECT_NE(half.digest, all.digest);
  pack();
  EXPECT_TRUE(was_complete_);
  EXPECT_EQ(Hdf5File::open(config_.output).read_string_attribute("source"),
            "train-images.gz, train-labels, validation-images.gz, validation-labels; 0.5 of the training images");
}

TEST_F(Pack, AShareOfTheTrainingImagesBecomesTheValidation) {
  config_.validation_images.clear();
  config_.validation_labels.clear();
  config_.validation_share = 0.5;
  const DatasetInfo info = pack();
  EXPECT_EQ(info.num_train, 3);  // of 3, 2 and 2 images: 1, 1 and 1
  EXPECT_EQ(info.num_validation, 4);
  EXPECT_EQ(lines_, std::vector<std::string>{"4 of 7 training images become the validation split "
                                             "(--validation-share=0.5 of each class, --seed=0)"});
  EXPECT_EQ(Hdf5File::open(config_.output).read_string_attribute("source"),
            "train-images.gz, train-labels; 0.5 of the training images for validation (seed 0)");
  std::vector<std::uint8_t> seen;
  for (const Split split : kSplits) {
    const ArrayDataset dataset(config_.output, split);
    for (std::int64_t i = 0; i < dataset.num_images(); ++i) {
      std::uint8_t image = 0;
      while (small_dataset_byte(image, 0, 3) != dataset.image(i)[0] || image % 3 != dataset.label(i)) ++image;
      seen.push_back(image);
    }
  }
  std::ranges::sort(seen);
  EXPECT_EQ(seen, (std::vector<std::uint8_t>{0, 1, 2, 3, 4, 5, 6}));
  pack();
  EXPECT_TRUE(was_complete_);
  config_.seed = 1;
  pack();
  EXPECT_FALSE(was_complete_);
}

TEST_F(Pack, CifarFilesArePackedInColour) {
  std::string batch;
  for (const char label : {1, 0}) batch += std::string(1, label) + std::string(3072, static_cast<char>(40 + label));
  PackConfig config;
  config.format = PackFormat::cifar;
  config.train_files = {directory_ / "data_batch_1.bin", directory_ / "data_batch_2.bin"};
  config.validation_files = {directory_ / "test_batch.bin"};
  config.class_names_file = directory_ / "batches.meta.txt";
  config.output = directory_ / "cifar.h5";
  for (const std::string& path : list_sources(config)) write_plain(path, batch);
  write_plain(config.class_names_file, "airplane\nautomobile\n\n");
  const DatasetInfo info = incubate::pack(config, was_complete_, log_);
  EXPECT_EQ(info.num_train, 4);
  EXPECT_EQ(info.num_validation, 2);
  EXPECT_EQ(info.height, 32);
  EXPECT_EQ(info.channels, 3);
  EXPECT_EQ(info.class_names, (std::vector<std::string>{"airplane", "automobile"}));
  EXPECT_EQ(ArrayDataset(config.output, Split::train).label(2), 1);
  incubate::pack(config, was_complete_, log_);
  EXPECT_TRUE(was_complete_);
}

TEST_F(Pack, OutputsReplaceNeitherSourcesNorOtherFiles) {
  config_.output = config_.train_labels;
  const std::string source = read_text(config_.output);
  EXPECT_EQ(error(), "--output=" + config_.output + " is a file that this command reads (" + config_.output +
                         "), and would be replaced. Choose another name.");
  EXPECT_EQ(read_text(config_.train_labels), source);
  config_.output = directory_ / "notes.txt";
  write_plain(config_.output, "notes");
  EXPECT_TRUE(
      error().starts_with(config_.output + " would be replaced by a file of type 'incubate dataset', but is no "));
  EXPECT_EQ(read_text(config_.output), "notes");
}

TEST_F(Pack, OutputThatCannotBeMadeIsTheUsersError) {
  config_.output = config_.train_labels + "/sub/data.h5";
  EXPECT_EQ(error(), "--output=" + config_.output + " cannot be written: " + config_.train_labels +
                         "/sub: Not a directory. Choose another place.");
}

}  // namespace
}  // namespace incubate
