#include "base/input_file.h"

#include <cerrno>

#include <gtest/gtest.h>

#include "base/check.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

class InputFile : public testing::Test {
 protected:
  static std::string error(const std::string& path) {
    errno = ENOTTY;  // of an earlier call, which no message may take for its own
    return thrown_message<InputError>([&] { open_input_file(path); });
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_ / "f";
};

TEST_F(InputFile, AllBytesAreRead) {
  const std::string bytes = std::string(200'000, 'x') + std::string("\0\r\n", 3);
  std::ofstream(path_) << bytes;
  EXPECT_EQ(read_input_file(path_), bytes);
  std::ofstream(path_).close();
  EXPECT_EQ(read_input_file(path_), "");
}

TEST_F(InputFile, EachReasonIsItsOwn) {
  EXPECT_EQ(error(path_), path_ + " cannot be read: No such file or directory. Check the path.");
  std::filesystem::create_directory(path_);
  EXPECT_EQ(error(path_), path_ + " cannot be read: Is a directory. Check the path.");
  std::ofstream(directory_ / "file").close();
  EXPECT_EQ(error(directory_ / "file/f"),
            std::string(directory_ / "file/f") + " cannot be read: Not a directory. Check the path.");
  const std::string is_long = directory_ / std::string(300, 'a');
  EXPECT_EQ(error(is_long), is_long + " cannot be read: File name too long. Check the path.");
}

TEST_F(InputFile, TextIsClean) {
  std::ofstream(path_) << "\xEF\xBB\xBFnight\r\nday\r\n";
  EXPECT_EQ(read_text_file(path_), "night\nday\n");
  std::filesystem::resize_file(path_, (1 << 26) + 1);
  EXPECT_EQ(thrown_message<InputError>([&] { read_text_file(path_); }),
            path_ + " has 67108865 bytes, too many for a text file (67108864 at most). Check the path.");
}

}  // namespace
}  // namespace incubate
