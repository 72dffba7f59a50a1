#include "pack/npy.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "support/idx_file.h"
#include "support/npy_file.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

class Npy : public testing::Test {
 protected:
  SourceArray read(const std::string& bytes) {
    write_plain(path_, bytes);
    return read_npy(path_);
  }
  std::string error(const std::string& bytes) {
    std::string message = thrown_message<InputError>([&] { read(bytes); });
    if (message.starts_with(path_.string())) message.replace(0, path_.string().size(), "F");
    return message;
  }

  TemporaryDirectory directory_;
  std::filesystem::path path_ = directory_ / "f.npy";
};

TEST_F(Npy, AllVersionsAreRead) {
  for (const char version : {1, 2, 3}) {
    const SourceArray array = read(npy_bytes(npy_header("<u2", "(2, 1, 1)"), "abcd", version));
    EXPECT_EQ(array.type, "<u2");
    EXPECT_EQ(array.shape, (std::vector<std::int64_t>{2, 1, 1}));
    EXPECT_FALSE(array.is_fortran);
    EXPECT_EQ(array.bytes, (std::vector<std::uint8_t>{'a', 'b', 'c', 'd'}));
    EXPECT_EQ(array.value_bytes(), 2);
  }
}

TEST_F(Npy, HeadersAreReadInAnyOrderAndSpacing) {
  const SourceArray array = read(npy_bytes(R"({"shape":(3,),'fortran_order':True,'descr':'|i1'})", "xyz"));
  EXPECT_EQ(array.shape, std::vector<std::int64_t>{3});
  EXPECT_TRUE(array.is_fortran);
  EXPECT_EQ(array.type, "|i1");
  EXPECT_EQ(read(npy_bytes(npy_header("|u1", "()"), "x")).shape, std::vector<std::int64_t>{});
}

TEST_F(Npy, ValuesOfOtherTypesAreNotRead) {
  EXPECT_EQ(read(npy_bytes("{'descr': [('a', '<u2')], 'fortran_order': False, 'shape': (1,), }", "ab")).type,
            "a structure");
  for (const char* type : {"|O", "<U3", "|b1", "<c8", "<M8[s]", "<u3", ""}) {
    const SourceArray array = read(npy_bytes(npy_header(type, "(1,)"), "ab"));
    EXPECT_EQ(array.value_bytes(), 0) << type;
    EXPECT_TRUE(array.bytes.empty()) << type;
  }
}

TEST_F(Npy, OtherFilesAndVersionsAreRefused) {
  EXPECT_EQ(error("PK\3\4zip archive"),
            "F is no NPY file (these begin with \\x93NUMPY). Write it by numpy.save(); an .npz file is an archive of "
            "such files (unzip).");
  EXPECT_EQ(error(npy_bytes(npy_header("|u1", "(1,)"), "a", 4)),
            "F has version 4.0 of the NPY format; this program reads 1.0, 2.0 and 3.0. Write it anew by numpy.save().");
  EXPECT_EQ(thrown_message<InputError>([&] { read_npy(directory_ / "none"); }),
            (directory_ / "none").string() + " cannot be read: No such file or directory. Check the path.");
}

TEST_F(Npy, TruncatedAndLongerFilesAreRefused) {
  const std::string whole = npy_bytes(npy_header("<u2", "(2, 3)"), "0123456789ab");
  const std::size_t header = whole.size() - 12;
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{9}, header - 1}) {
    EXPECT_EQ(error(whole.substr(0, size)), "F is truncated: its header ends early. Get or copy it again.") << size;
  }
  EXPECT_EQ(error(whole.substr(0, header + 11)),
            "F is truncated: it has 11 bytes of data, its header states 6 values of 2. Get or copy it again.");
  EXPECT_EQ(error(whole + "x"), "F is longer than the 12 bytes of data its header states. Get or copy it again.");
  EXPECT_EQ(error(npy_bytes(npy_header("<u2", "(4294967296, 4294967296)"), "ab")),
            "F states an impossible extent of 4294967296. Get it again.");
  EXPECT_EQ(error(npy_bytes(npy_header("<u8", "(4294967296, 2147483647)"), "ab")).substr(0, 14), "F is truncated");
  EXPECT_EQ(error(std::string("\x93NUMPY\2\0\xff\xff\xff\xff", 12)),
            "F states a header of 4294967295 bytes; an array's has some 100. Get it again.");
}

TEST_F(Npy, MalformedHeadersAreRefused) {
  for (const char* header :
       {"", "{", "{}", "()", "{'descr': '|u1'}", "{'descr': '|u1', 'fortran_order': False}",
        "{'descr': |u1, 'fortran_order': False, 'shape': (1,)}", "{'descr': '|u1, 'fortran_order': False}",
        "{'descr': '|u1', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': Falsehood, 'shape': 1}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': 1}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1 2)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1e3,)}", "{'descr': '|u1' 'fortran_order': False}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'other': 1}"}) {
    EXPECT_EQ(error(npy_bytes(header, "a")),
              "F has no header that this program reads. Write the file by numpy.save(), or copy it again.")
        << header;
  }
}

}  // namespace
}  // namespace incubate
