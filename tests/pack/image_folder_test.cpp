#include "pack/image_folder.h"

#include <fstream>

#include <gtest/gtest.h>

#include "base/check.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

namespace fs = std::filesystem;

class ImageFolderTest : public testing::Test {
 protected:
  ImageFolderTest() {
    for (const char* file : {"train/b/2.jpg", "train/b/10.jpg", "train/a/1.jpg", "val/a/3.jpg", "val/b/4.jpg"})
      add(file);
  }
  void add(const std::string& file) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << file;
  }
  std::string error() {
    const std::string message = thrown_message<InputError>([this] { open_image_folder(root_); });
    const std::string begin = "--folder=" + root_.string();
    return message.starts_with(begin) ? message.substr(begin.size()) : message;
  }

  TemporaryDirectory directory_;
  fs::path root_ = directory_ / "images";
};

TEST_F(ImageFolderTest, ClassesAreTheSortedFolders) {
  const ImageFolder folder = open_image_folder(root_);
  EXPECT_EQ(folder.class_folders, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(folder.split_name(Split::train), "train");
  EXPECT_EQ(folder.split_name(Split::validation), "val");
  fs::rename(root_ / "val", root_ / "validation");
  EXPECT_EQ(open_image_folder(root_).split_name(Split::validation), "validation");
}

TEST_F(ImageFolderTest, FilesAreSortedByNameAndHaveSizeAndTime) {
  const ImageFolder folder = open_image_folder(root_);
  std::vector<std::string> strays;
  const std::vector<SourceFile> files = list_class(folder, Split::train, 1, strays);
  ASSERT_EQ(files.size(), 2);
  EXPECT_EQ(files[0].name, "b/10.jpg");
  EXPECT_EQ(files[1].name, "b/2.jpg");
  EXPECT_EQ(files[0].label, 1);
  EXPECT_EQ(files[0].bytes, 14);
  EXPECT_GT(files[0].modified_ns, 1'500'000'000'000'000'000);
  EXPECT_TRUE(strays.empty());
}

TEST_F(ImageFolderTest, WhatIsNoClasssFileIsAStray) {
  add("train/notes.txt");
  add("train/a/sub/5.jpg");
  add("test/a/6.jpg");
  add("LICENSE");
  const ImageFolder folder = open_image_folder(root_);
  EXPECT_EQ(folder.strays, (std::vector<std::string>{"test", "train/notes.txt"}));
  std::vector<std::string> strays;
  EXPECT_EQ(list_class(folder, Split::train, 0, strays).size(), 1);
  EXPECT_EQ(strays, std::vector<std::string>{"train/a/sub"});
}

TEST_F(ImageFolderTest, HiddenFilesAndFoldersAreStrays) {
  add("train/.ipynb_checkpoints/5.jpg");
  add("train/a/._1.jpg");
  fs::create_symlink("nowhere", root_ / "train/a/.nfs01");
  const ImageFolder folder = open_image_folder(root_);
  EXPECT_EQ(folder.class_folders, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(folder.strays, std::vector<std::string>{"train/.ipynb_checkpoints"});
  std::vector<std::string> strays;
  EXPECT_EQ(list_class(folder, Split::train, 0, strays).size(), 1);
  EXPECT_EQ(strays, (std::vector<std::string>{"train/a/._1.jpg", "train/a/.nfs01"}));
}

TEST_F(ImageFolderTest, OneClassIsRefused) {
  fs::remove_all(root_ / "train/b");
  EXPECT_EQ(error(),
            ": 'a' is the only class in train/ (training needs two classes). Name the folder whose train/ has a folder "
            "for each class.");
}

TEST_F(ImageFolderTest, SymbolicLinksAreFollowed) {
  fs::rename(root_ / "train/a", directory_ / "elsewhere");
  fs::create_directory_symlink(directory_ / "elsewhere", root_ / "train/a");
  const ImageFolder folder = open_image_folder(root_);
  std::vector<std::string> strays;
  EXPECT_EQ(list_class(folder, Split::train, 0, strays).size(), 1);
  fs::create_symlink("nowhere", root_ / "train/a/6.jpg");
  EXPECT_EQ(
      thrown_message<InputError>([&] { list_class(folder, Split::train, 0, strays); }),
      (root_ / "train/a/6.jpg").string() + " cannot be read: No such file or directory. Mend it or take it away.");
}

TEST_F(ImageFolderTest, BothSplitsHaveTheSameClasses) {
  add("val/c/7.jpg");
  EXPECT_EQ(error(),
            ": the class 'c' is in val/ but not in train/ (2 classes in train/, 3 in val/; they must be the same). Add "
            "its folder, or take it away.");
  add("train/c/7.jpg");
  add("train/ab/7.jpg");
  EXPECT_EQ(
      error(),
      ": the class 'ab' is in train/ but not in val/ (4 classes in train/, 3 in val/; they must be the same). Add "
      "its folder, or take it away.");
}

TEST_F(ImageFolderTest, MissingFoldersAreNamed) {
  fs::create_directories(root_ / "validation");
  EXPECT_EQ(error(), " has both val/ and validation/ (they mean the same). Take one away.");
  fs::remove_all(root_ / "val");
  EXPECT_EQ(error(), root_.string() +
                         "/validation has no folders: one for each class is needed. Sort its images into "
                         "such.");
  fs::remove_all(root_ / "validation");
  EXPECT_EQ(error(),
            " has no validation/. Name a folder with train/ and validation/ (or val/) in it, which have a "
            "folder for each class.");
  fs::remove_all(root_ / "train");
  EXPECT_EQ(error(),
            " has no train/. Name a folder with train/ and validation/ (or val/) in it, which have a folder "
            "for each class.");
  fs::remove_all(root_);
  EXPECT_EQ(error(), " is no folder. Name one with train/ and validation/ in it; unpack an archive first.");
}

TEST(ImageFolderText, AListingComesBackFromText) {
  const std::vector<SourceFile> files = {
      {.label = 0, .name = "a/with space\nand line.jpg", .bytes = 0, .modified_ns = -5},
      {.label = 12, .name = "b/\xC3\xA4.jpg", .bytes = std::int64_t{1} << 40, .modified_ns = 1}};
  std::vector<SourceFile> read;
  append_from_text(to_text(files), read);
  EXPECT_EQ(read, files);
  append_from_text("", read);
  EXPECT_EQ(read, files);
}

}  // namespace
}  // namespace incubate
