#include "pack/cifar.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "support/idx_file.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

/// Returns labels, then red, green and blue planes that each count from their own start.
std::string record(const std::string& labels) {
  std::string bytes = labels;
  for (const int start : {0, 50, 100}) {
    for (int i = 0; i < 1024; ++i) bytes += static_cast<char>(start + (i % 100));
  }
  return bytes;
}

class Cifar : public testing::Test {
 protected:
  LabelledImages read(const std::string& bytes, std::int64_t num_classes) {
    write_plain(path_, bytes);
    return read_cifar({path_}, num_classes);
  }
  std::string error(const std::string& bytes) {
    return thrown_message<InputError>([&] { read(bytes, 10); });
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_ / "batch.bin";
};

TEST_F(Cifar, PlanesBecomePixels) {
  const LabelledImages images = read(record("\x07") + record("\x02"), 10);
  EXPECT_EQ(images.labels, (std::vector<std::int64_t>{7, 2}));
  EXPECT_EQ(images.image_bytes(), 32 * 32 * 3);
  ASSERT_EQ(images.bytes.size(), 2 * 3072);
  for (int i = 0; i < 2 * 1024; ++i) {
    for (int channel = 0; channel < 3; ++channel) {
      EXPECT_EQ(images.bytes[(3 * i) + channel], (50 * channel) + (i % 1024 % 100));
    }
  }
}

TEST_F(Cifar, TheCoarseLabelIsIgnored) {
  EXPECT_EQ(read(record("\x13\x63") + record("\x01\x02"), 100).labels, (std::vector<std::int64_t>{99, 2}));
}

TEST_F(Cifar, FilesFollowEachOther) {
  write_plain(path_, record("\x01"));
  EXPECT_EQ(read_cifar({path_, path_}, 10).labels, (std::vector<std::int64_t>{1, 1}));
}

TEST_F(Cifar, DamagedFilesAreRefused) {
  EXPECT_EQ(error(std::string(5000, 'x')),
            path_ +
                " has 5000 bytes, no whole number of records of 3073 (CIFAR-10) or 3074 (CIFAR-100). "
                "Give the files of the binary version, unpacked, or copy it again.");
  EXPECT_EQ(error(record("\x0a")),
            path_ + ": label 10 of image 0 is not below the number of classes, 10. Give a name for every class.");
  EXPECT_EQ(thrown_message<InputError>([&] { read_cifar({directory_ / "none"}, 10); }),
            std::string(directory_ / "none") + " cannot be read: No such file or directory. Check the path.");
}

TEST_F(Cifar, ClassNamesAreLines) {
  write_plain(path_,
              "\xEF\xBB\xBF"
              "apple\r\n\n aquarium\xC2\xA0"
              "fish \n");
  EXPECT_EQ(read_class_names(path_), (std::vector<std::string>{"apple", "aquarium fish"}));
  write_plain(path_, "\n");
  EXPECT_EQ(thrown_message<InputError>([&] { read_class_names(path_); }),
            path_ + " has no class names. Give a file with one a line.");
}

}  // namespace
}  // namespace incubate
