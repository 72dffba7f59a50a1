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

using Names = std::vector<std::string>;

/// Returns a split's class folders, in order.
Names classes_of(const Source& source, Split split) {
  Names names;
  for (const SourcePart& part : source.parts) {
    if (part.split == split) names.push_back(part.name);
  }
  return names;
}

Names files_of(const std::vector<PackProblem>& problems) {
  Names files;
  for (const PackProblem& problem : problems) files.push_back(problem.file + ": " + problem.reason);
  return files;
}

TEST_F(ImageFolderTest, ClassesAreTheSortedFolders) {
  const Source source = open_image_folder(root_);
  for (const Split split : kSplits) EXPECT_EQ(classes_of(source, split), (Names{"a", "b"}));
  EXPECT_EQ(source.split_names.at(Split::train), "train");
  EXPECT_EQ(source.split_names.at(Split::validation), "val");
  fs::rename(root_ / "val", root_ / "validation");
  EXPECT_EQ(open_image_folder(root_).split_names.at(Split::validation), "validation");
}

TEST_F(ImageFolderTest, FilesAreSortedByNameAndHaveSizeAndTime) {
  const Source source = open_image_folder(root_);
  const Listing listing = list_class(source, source.parts[1]);
  ASSERT_EQ(listing.files.size(), 2);
  EXPECT_EQ(listing.classes, Names{"b"});
  EXPECT_EQ(listing.files[0].name, "b/10.jpg");
  EXPECT_EQ(listing.files[1].name, "b/2.jpg");
  EXPECT_EQ(listing.files[0].bytes, 14);
  EXPECT_GT(listing.files[0].modified_ns, 1'500'000'000'000'000'000);
  EXPECT_TRUE(listing.left_out.empty());
}

TEST_F(ImageFolderTest, WhatIsNoClasssFileIsLeftOut) {
  add("train/notes.txt");
  add("train/a/sub/5.jpg");
  add("test/a/6.jpg");
  add("LICENSE");
  const Source source = open_image_folder(root_);
  EXPECT_EQ(files_of(source.left_out), (Names{"test: only train/ and validation/ (or val/) are packed",
                                              "train/notes.txt: it is not a class's file"}));
  const Listing listing = list_class(source, source.parts[0]);
  EXPECT_EQ(listing.files.size(), 1);
  EXPECT_EQ(files_of(listing.left_out), Names{"train/a/sub: it is not a class's file"});
}

TEST_F(ImageFolderTest, HiddenFilesAndFoldersAreLeftOut) {
  add("train/.ipynb_checkpoints/5.jpg");
  add("train/a/._1.jpg");
  fs::create_symlink("nowhere", root_ / "train/a/.nfs01");
  const Source source = open_image_folder(root_);
  EXPECT_EQ(classes_of(source, Split::train), (Names{"a", "b"}));
  EXPECT_EQ(files_of(source.left_out), Names{"train/.ipynb_checkpoints: it is hidden"});
  const Listing listing = list_class(source, source.parts[0]);
  EXPECT_EQ(listing.files.size(), 1);
  EXPECT_EQ(files_of(listing.left_out), (Names{"train/a/._1.jpg: it is hidden", "train/a/.nfs01: it is hidden"}));
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
  const Source source = open_image_folder(root_);
  EXPECT_EQ(list_class(source, source.parts[0]).files.size(), 1);
  fs::create_symlink("nowhere", root_ / "train/a/6.jpg");
  EXPECT_EQ(
      thrown_message<InputError>([&] { list_class(source, source.parts[0]); }),
      (root_ / "train/a/6.jpg").string() + " cannot be read: No such file or directory. Mend it or take it away.");
}

TEST_F(ImageFolderTest, BothSplitsHaveTheSameClasses) {
  add("val/c/7.jpg");
  EXPECT_EQ(error(),
            ": the class 'c' is in val/ but not in train/ (2 classes in train/, 3 in val/; they must be the same). Add "
            "it there, or take it away.");
  add("train/c/7.jpg");
  add("train/ab/7.jpg");
  EXPECT_EQ(
      error(),
      ": the class 'ab' is in train/ but not in val/ (4 classes in train/, 3 in val/; they must be the same). Add "
      "it there, or take it away.");
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
            "folder for each class. Or give --validation-share.");
  fs::remove_all(root_ / "train");
  EXPECT_EQ(error(),
            " has no train/. Name a folder with train/ and validation/ (or val/) in it, which have a folder "
            "for each class.");
  fs::remove_all(root_);
  EXPECT_EQ(error(), " is no folder. Name one with train/ and validation/ in it; archives need --format=tar.");
}

TEST_F(ImageFolderTest, WithoutValidationTheClassesMayLieInTheFolderItself) {
  const auto open_alone = [this] { return open_image_folder(root_, FolderSplits::train_alone); };
  EXPECT_EQ(thrown_message<InputError>(open_alone),
            "--folder=" + root_.string() +
                " has val/, but --validation-share is given (each makes the validation split). Leave one out.");
  fs::remove_all(root_ / "val");
  const Source source = open_alone();
  EXPECT_EQ(classes_of(source, Split::train), (Names{"a", "b"}));
  EXPECT_EQ(source.parts[0].folder, root_ / "train");
  EXPECT_EQ(source.split_names.at(Split::validation), "train");
  for (const char* name : {"a", "b"}) fs::rename(root_ / "train" / name, root_ / name);
  fs::remove(root_ / "train");
  EXPECT_EQ(open_alone().parts[1].folder, root_);
  EXPECT_EQ(open_alone().split_names.at(Split::validation), "images");
}

}  // namespace
}  // namespace incubate
