#include "checkpoint/safetensors.h"

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/check.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

class Safetensors : public testing::Test {
 protected:
  /// Writes a file whose header states `length`.
  void write(std::uint64_t length, const std::string& rest) const {
    std::string content(sizeof(length), '\0');
    std::memcpy(content.data(), &length, sizeof(length));
    replace_text_atomically(path_, content + rest);
  }
  std::string error() const {
    const std::string message = thrown_message<InputError>([&] { load_safetensors(path_); });
    return message.starts_with(path_) ? message.substr(path_.size()) : message;
  }
  /// Returns why a file with this header and 16 bytes of data is refused.
  std::string header_error(const std::string& header) const {
    write(header.size(), header + std::string(16, '\0'));
    return error();
  }
  /// Returns the same for a header with one tensor `x`.
  std::string tensor_error(const std::string& json) const { return header_error("{\"x\":" + json + "}"); }

  TemporaryDirectory directory_;
  std::string path_ = directory_ / "f.safetensors";
};

TEST_F(Safetensors, WhatIsWrittenReadsBack) {
  const StateDict written = {{"a", torch::rand({2, 3})}, {"b.c", torch::rand({})}, {"d", torch::empty({0, 4})}};
  std::vector<std::int64_t> done;
  save_safetensors(path_, written, [&](std::int64_t bytes, std::int64_t total) {
    done.push_back(bytes);
    EXPECT_LE(bytes, total);
  });
  EXPECT_EQ(done.size(), written.size());
  EXPECT_TRUE(std::ranges::is_sorted(done));
  EXPECT_EQ(done.back(), 4 * (6 + 1));
  const StateDict read = load_safetensors(path_);
  ASSERT_EQ(read.size(), written.size());
  for (const auto& [name, tensor] : written) EXPECT_TRUE(torch::equal(read.at(name), tensor)) << name;
}

TEST_F(Safetensors, DataBeginAt64BytesBehindTheHeader) {
  save_safetensors(path_, {{"x", torch::full({1}, 1.5)}});
  const std::string content = read_text(path_);
  std::uint64_t length = 0;
  std::memcpy(&length, content.data(), sizeof(length));
  EXPECT_EQ((8 + length) % 64, 0);
  EXPECT_EQ(content.size(), 8 + length + 4);
  const std::string header = R"({"__metadata__":{"format":"pt"},"x":{"data_offsets":[0,4],"dtype":"F32","shape":[1]}})";
  EXPECT_EQ(content.substr(8, length), header + std::string(length - header.size(), ' '));
}

TEST_F(Safetensors, MissingFile) { EXPECT_EQ(error(), " cannot be read: No such file or directory. Check the path."); }

TEST_F(Safetensors, FileShorterThanALength) {
  replace_text_atomically(path_, "1234567");
  EXPECT_EQ(error(),
            " has 7 bytes, fewer than the 8 that state the length of a safetensors header. Get or copy it again.");
}

TEST_F(Safetensors, HeaderBeyondTheFile) {
  for (const std::uint64_t length : {std::uint64_t{3}, std::uint64_t{1} << 30, ~std::uint64_t{0}}) {
    write(length, "{}");
    EXPECT_EQ(error(), fmt::format(" states a header of {} bytes but has 2 after its first 8: it is truncated or no "
                                   "safetensors file. Get or copy it again.",
                                   length));
  }
}

TEST_F(Safetensors, OtherKindsOfWeightsAreRecognised) {
  const std::string zip("PK\x03\x04\0\0\x08\x08", 8), pickle = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9";
  for (const auto& [text, what, remedy] :
       {std::array<std::string, 3>{zip, "a file of PyTorch (torch.save)", "Convert it: python -c "},
        {pickle, "a pickle, as older versions of PyTorch save", "Convert it: python -c "},
        {"version https://git-lfs.x/spec/v1\n", "a Git LFS pointer in place of the weights",
         "Get them with 'git lfs pull'."},
        {"{\n  \"metadata\": {}}", "JSON, such as the index of weights in several files (shards)",
         "Load all of the files"},
        {"\x89HDF\r\n\x1a\n", "HDF5", "Export checkpoints of this program with 'incubate export'."},
        {"<!DOCTYPE html>", "a web page", "Download the weights again."}}) {
    replace_text_atomically(path_, text);
    EXPECT_TRUE(error().starts_with(" is " + what + ", and only safetensors is read. " + remedy)) << error();
  }
  write(std::uint64_t{'{'}, "{}");  // a header of 123 bytes that is cut short
  EXPECT_TRUE(error().starts_with(" states a header of 123 bytes but has 2 after its first 8")) << error();
}

TEST_F(Safetensors, CountersOfBatchNormAreLeftOut) {
  const std::string header = R"({"n.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                             R"("n.weight":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})";
  write(header.size(), header + std::string(16, '\0'));
  const StateDict tensors = load_safetensors(path_);
  ASSERT_EQ(tensors.size(), 1);
  EXPECT_TRUE(tensors.at("n.weight").equal(torch::zeros({2})));
  EXPECT_EQ(header_error(R"({"n.steps":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}})"),
            ": tensor 'n.steps' has the dtype I64; only F32 is read. Save it as float32.");
}

TEST_F(Safetensors, HeaderOfAGigabyteIsNotRead) {
  write(std::uint64_t{1} << 30, "{}");
  std::filesystem::resize_file(path_, std::uint64_t{1} << 31);  // no bytes on disk
  EXPECT_EQ(error(),
            " states a header of 1073741824 bytes, more than 16777216 (a network's takes a few hundred bytes a "
            "tensor). Check that it is a safetensors file of weights.");
}

TEST_F(Safetensors, HeaderThatIsNoJson) {
  EXPECT_EQ(header_error("nonsense"), " has a header that is not JSON (byte 2). Check that it is a safetensors file.");
  EXPECT_EQ(header_error("{\"x\":1e999}"),
            " has a number in its header that is too large. Check that it is a safetensors file.");
  EXPECT_EQ(header_error("[]"), " has a header that is no JSON object. Check that it is a safetensors file.");
  EXPECT_EQ(header_error("{\"\xff\":1}"),
            " has a header that is not JSON (byte 3). Check that it is a safetensors file.");
}

TEST_F(Safetensors, HeaderNestedTooDeep) {
  EXPECT_EQ(header_error(std::string(1 << 20, '[')),
            " has a header nested deeper than 3 levels. Check that it is a safetensors file.");
}

TEST_F(Safetensors, NamesGivenTwice) {
  const std::string x = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  const std::string twice = " has the name 'x' twice in its header (which is meant?). Write each tensor once.";
  EXPECT_EQ(header_error("{\"x\":" + x + ",\"x\":" + x + "}"), twice);
  EXPECT_EQ(header_error("{\"__metadata__\":{\"x\":\"1\",\"x\":\"2\"}}"), twice);
}

TEST_F(Safetensors, WhatATensorLacks) {
  for (const char* json :
       {"3", "{}", R"({"dtype":"F32","shape":[4]})", R"({"dtype":1,"shape":[4],"data_offsets":[0,16]})",
        R"({"dtype":"F32","shape":[-4],"data_offsets":[0,16]})",
        R"({"dtype":"F32","shape":[4.0],"data_offsets":[0,16]})",
        R"({"dtype":"F32","shape":[4],"data_offsets":[0,8,16]})", R"({"dtype":"F32","shape":4,"data_offsets":[0,16]})",
        R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,4],"data_offsets":[0,16]})",
        R"({"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,16]})"}) {
    EXPECT_EQ(tensor_error(json),
              ": tensor 'x' lacks a dtype, a shape of 8 or fewer extents, or two data_offsets. Check "
              "that the file is right.")
        << json;
  }
}

TEST_F(Safetensors, OtherTypesAreNotRead) {
  EXPECT_EQ(tensor_error(R"({"dtype":"F16","shape":[8],"data_offsets":[0,16]})"),
            ": tensor 'x' has the dtype F16; only F32 is read. Save it as float32.");
}

TEST_F(Safetensors, OffsetsOutsideTheData) {
  for (const auto& [begin, end] : {std::pair{"0", "20"}, {"16", "0"}, {"4", "9223372036854775807"}}) {
    EXPECT_EQ(
        tensor_error(fmt::format(R"({{"dtype":"F32","shape":[4],"data_offsets":[{},{}]}})", begin, end)),
        fmt::format(": tensor 'x' has the data_offsets {} to {} but the file has 16 bytes of data. Get or copy it "
                    "again.",
                    begin, end));
  }
}

TEST_F(Safetensors, SizesThatAreNotTheShapes) {
  for (const char* shape : {"3", "2, 3", "4611686018427387904, 4", "4611686018427387904, 4, 0"}) {
    EXPECT_EQ(tensor_error(fmt::format(R"({{"dtype":"F32","shape":[{}],"data_offsets":[0,16]}})", shape)),
              fmt::format(": tensor 'x' has the shape [{}] of floats but 16 bytes of data. Get or copy the file again.",
                          shape));
  }
}

TEST_F(Safetensors, NoBytesAreNotTheShapeOfTooManyToCount) {
  EXPECT_EQ(
      tensor_error(R"({"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]})"),
      ": tensor 'x' has the shape [0, 4611686018427387904, 4] of floats but 0 bytes of data. Get or copy the file "
      "again.");
}

TEST_F(Safetensors, OverlapsGapsAndLeftOverBytes) {
  const auto pair = [](const char* first, const char* second) {
    return fmt::format(R"({{"x":{{"dtype":"F32","shape":[2],"data_offsets":{}}},)"
                       R"("y":{{"dtype":"F32","shape":[1],"data_offsets":{}}}}})",
                       first, second);
  };
  EXPECT_EQ(
      header_error(pair("[0,8]", "[4,8]")),
      ": tensor 'y' begins at byte 4 but the one before it ends at 8 (they overlap). Get or copy the file again.");
  EXPECT_EQ(header_error(pair("[0,8]", "[12,16]")),
            ": tensor 'y' begins at byte 12 but the one before it ends at 8 (a gap). Get or copy the file again.");
  EXPECT_EQ(header_error(pair("[0,8]", "[8,12]")),
            " has 16 bytes of data but its tensors end at 12. Get or copy it again.");
}

TEST_F(Safetensors, NamesInMessagesAreShortAndOnOneLine) {
  EXPECT_EQ(quotable("a\nb\x1b[2J\xc3\xa9"), "a?b?[2J??");
  EXPECT_EQ(quotable(std::string(1000, 'a')), std::string(80, 'a') + "...");
}

TEST_F(Safetensors, AnOutputReplacesFilesOfItsOwnKindAlone) {
  const auto error = [this] { return thrown_message<InputError>([this] { check_safetensors_output(path_); }); };
  EXPECT_EQ(error(), "(no error)");
  for (const char* ending : {".pth", ".bin", ".onnx", ".h5"}) {
    EXPECT_EQ(thrown_message<InputError>([&] { check_safetensors_output(std::string("x") + ending); }),
              std::string("--output=x") + ending +
                  " promises another format (export writes safetensors). Let the name end in .safetensors, or name a "
                  "folder.");
  }
  save_safetensors(path_, {{"a", torch::zeros({2})}});
  EXPECT_EQ(error(), "(no error)");
  replace_text_atomically(path_, "");
  EXPECT_EQ(error(), "(no error)");
  for (const char* text : {"a", "notes of the user {"}) {
    replace_text_atomically(path_, text);
    EXPECT_EQ(error(), "--output=" + path_ +
                           " is there and is no safetensors file: it would be replaced. Choose another name, or remove "
                           "that file.");
  }
}

}  // namespace
}  // namespace incubate
