#include "base/output_name.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "base/check.h"
#include "base/process.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

std::string error_of_output(const std::string& output) {
  return thrown_message<InputError>([&] { check_output_name(output); });
}

TEST(OutputName, AFolderIsNone) {
  const TemporaryDirectory directory;
  const std::string folder = directory.path().string();
  EXPECT_EQ(error_of_output(folder), "--output=" + folder + " is a directory. Name a file in it.");
  EXPECT_EQ(error_of_output(folder + "/new/"), "--output=" + folder + "/new/ is a directory. Name a file in it.");
  EXPECT_EQ(error_of_output(folder + "/new"), "(no error)");
}

TEST(OutputName, DraftsAndLocksHaveRoom) {
  const std::size_t most = 255 - 40 - host_name().size();
  const std::string output = "data/" + std::string(most, 'a');
  EXPECT_EQ(error_of_output(output), "(no error)");
  EXPECT_EQ(error_of_output(output + "a"),
            "--output=" + output + "a is too long: its name has " + std::to_string(most + 1) + " bytes and may have " +
                std::to_string(most) + " (drafts and locks beside the file append to it). Choose a shorter name.");
}

TEST(OutputName, InputsAndDevicesStay) {
  const TemporaryDirectory directory;
  const std::string input = directory / "images";
  std::ofstream(input) << "x";
  std::filesystem::create_hard_link(input, directory / "link");
  for (const char* name : {"images", "link"}) {
    const std::string output = directory / name;
    EXPECT_EQ(thrown_message<InputError>([&] {
                check_output_name(output, {directory / "none", input});
              }),
              "--output=" + output + " is a file that this command reads (" + input +
                  "), and would be replaced. Choose another name.");
  }
  EXPECT_EQ(error_of_output("/dev/null"), "--output=/dev/null is there and is no regular file. Choose another name.");
}

}  // namespace
}  // namespace incubate
