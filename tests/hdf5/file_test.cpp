#include "hdf5/file.h"

#include <csignal>
#include <thread>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "hdf5/atomic_file.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

class Hdf5FileTest : public testing::Test {
 protected:
  /// Closes the file that `fill` wrote and opens it to read.
  template <typename Fill>
  Hdf5File written(const Fill& fill) const {
    Hdf5File file = Hdf5File::create(path());
    fill(file);
    file.close();
    return Hdf5File::open(path());
  }
  std::filesystem::path path() const { return directory_ / "f.h5"; }

  TemporaryDirectory directory_;
};

TEST_F(Hdf5FileTest, ArraysOfEveryTypeComeBack) {
  const std::vector<float> floats = {0.1F, -3e38F, 1e-45F};
  const std::vector<double> doubles = {0.1, -1e308, 5e-324};
  const std::vector<std::int64_t> integers = {INT64_MIN, -1, INT64_MAX};
  const std::vector<std::uint8_t> bytes = {0, 1, 255};
  const std::vector<std::string> texts = {"", "T-shirt/top", "\xc3\xa9t\xc3\xa9"};
  const Hdf5File file = written([&](Hdf5File& f) {
    f.write("/a/b/floats", floats);
    f.write("/a/doubles", doubles);
    f.write("/integers", integers);
    f.write("/a/b/c/bytes", bytes);
    f.write_strings("/texts", texts);
  });
  EXPECT_EQ(file.read<float>("/a/b/floats"), floats);
  EXPECT_EQ(file.read<double>("/a/doubles"), doubles);
  EXPECT_EQ(file.read<std::int64_t>("/integers"), integers);
  EXPECT_EQ(file.read<std::uint8_t>("/a/b/c/bytes"), bytes);
  EXPECT_EQ(file.read_strings("/texts"), texts);
}

TEST_F(Hdf5FileTest, TellsTypesAndStoredBytes) {
  const Hdf5File file = written([](Hdf5File& f) {
    f.write("/bytes", std::vector<std::uint8_t>{1});
    f.write("/integers", std::vector<std::int64_t>{1});
    f.write("/words", std::vector<std::uint16_t>{0x0101, 0x0202});
    f.write("/real", std::vector<float>{1});
    f.write_strings("/texts", {"a"});
  });
  EXPECT_EQ(file.number_type("/bytes"), "|u1");
  EXPECT_EQ(file.number_type("/integers").substr(1), "i8");
  EXPECT_EQ(file.number_type("/words").substr(1), "u2");
  EXPECT_EQ(file.number_type("/real").substr(1), "f4");
  EXPECT_EQ(file.number_type("/texts"), "non-numeric");
  EXPECT_EQ(file.read_stored("/words"), (std::vector<std::uint8_t>{1, 1, 2, 2}));
  EXPECT_THROW(file.read_stored("/texts"), std::runtime_error);
}

TEST_F(Hdf5FileTest, ShapesAreRowMajor) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const Hdf5File file = written([&](Hdf5File& f) {
    f.write<float>("/matrix", values, {2, 3});
    f.write<float>("/scalar", std::span(values).first(1), {});
    f.write<float>("/empty", {}, {0, 4});
  });
  EXPECT_EQ(file.shape("/matrix"), (std::vector<hsize_t>{2, 3}));
  EXPECT_EQ(file.shape("/scalar"), std::vector<hsize_t>{});
  EXPECT_EQ(file.shape("/empty"), (std::vector<hsize_t>{0, 4}));
  EXPECT_EQ(file.read<float>("/matrix"), values);
  EXPECT_EQ(file.read<float>("/scalar"), std::vector<float>{1});
  EXPECT_EQ(file.read<float>("/empty"), std::vector<float>{});
}

TEST_F(Hdf5FileTest, AttributesComeBack) {
  const Hdf5File file = written([](Hdf5File& f) {
    f.write_attribute("text", std::string("line 1\nline 2"));
    f.write_attribute("none", std::string());
    f.write_attribute("integer", std::int64_t{INT64_MIN});
    f.write_attribute("number", 0.1);
  });
  EXPECT_EQ(file.read_string_attribute("text"), "line 1\nline 2");
  EXPECT_EQ(file.read_string_attribute("none"), "");
  EXPECT_EQ(file.read_int_attribute("integer"), INT64_MIN);
  EXPECT_EQ(file.read_double_attribute("number"), 0.1);
}

TEST_F(Hdf5FileTest, ListsAGroupSorted) {
  const Hdf5File file = written([](Hdf5File& f) {
    for (const char* name : {"/g/b", "/g/c/x", "/g/a", "/top"}) f.write(name, std::vector<double>{1});
  });
  EXPECT_EQ(file.list("/"), (std::vector<std::string>{"g", "top"}));
  EXPECT_EQ(file.list("/g"), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(Hdf5FileTest, KnowsWhatItContains) {
  const Hdf5File file = written([](Hdf5File& f) { f.write("/g/h/x", std::vector<double>{1}); });
  for (const char* name : {"/g", "/g/h", "/g/h/x"}) EXPECT_TRUE(file.contains(name)) << name;
  for (const char* name : {"/x", "/g/x", "/no/such/group"}) EXPECT_FALSE(file.contains(name)) << name;
}

TEST_F(Hdf5FileTest, ExternalLinksAreRelativeToTheFile) {
  std::filesystem::create_directory(directory_ / "sub");
  Hdf5File part = Hdf5File::create(directory_ / "sub/part.h5");
  part.write("/x", std::vector<double>{7});
  part.close();
  const Hdf5File file = written([](Hdf5File& f) { f.add_external_link("part", "sub/part.h5"); });
  EXPECT_EQ(file.read<double>("/part/x"), std::vector<double>{7});
}

/// HDF5 lets a file of a kilobyte state an array of any size, in chunks that are not there.
TEST_F(Hdf5FileTest, ArraysLargerThanTheirFileAreNotRead) {
  const hsize_t huge = hsize_t{1} << 40;
  for (const std::vector<hsize_t>& shape :
       std::vector<std::vector<hsize_t>>{{huge}, {1 << 20, 1 << 20}, {hsize_t{1} << 33, hsize_t{1} << 33}, {0, huge}}) {
    {
      const hid_t file = H5Fcreate(path().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
      const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
      const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
      const std::vector<hsize_t> chunk(shape.size(), 2);
      H5Pset_chunk(creation, static_cast<int>(chunk.size()), chunk.data());
      const hid_t dataset = H5Dcreate2(file, "/x", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
      ASSERT_GE(dataset, 0);
      for (const auto close : {H5Dclose(dataset), H5Pclose(creation), H5Sclose(space), H5Fclose(file)})
        ASSERT_GE(close, 0);
    }
    const Hdf5File file = Hdf5File::open(path());
    const std::string message = "cannot read '/x' in " + path().string() +
                                ": it states more values than the file has bytes, " +
                                std::to_string(std::filesystem::file_size(path()));
    EXPECT_EQ(thrown_message<std::runtime_error>([&] { file.read<double>("/x"); }), message);
    EXPECT_EQ(thrown_message<std::runtime_error>([&] { file.shape("/x"); }), message);
    EXPECT_EQ(thrown_message<std::runtime_error>([&] { file.read_into<float>("/x", {}); }), message);
  }
}

TEST_F(Hdf5FileTest, KnowsWhereAnArrayIsInItsFileAndWhetherItIs) {
  constexpr hsize_t kUserBlock = 512, kSize = 3;
  Hdf5File written = Hdf5File::create(path(), kUserBlock);
  written.write("/whole", std::vector<std::uint8_t>{7, 8, 9});
  written.close();
  const hid_t id = H5Fopen(path().c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t space = H5Screate_simple(1, &kSize, nullptr);
  const auto create = [&](const char* name, hid_t creation) {
    H5Dclose(H5Dcreate2(id, name, H5T_NATIVE_UINT8, space, H5P_DEFAULT, creation, H5P_DEFAULT));
  };
  create("/never_written", H5P_DEFAULT);
  const hid_t elsewhere = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_external(elsewhere, "/dev/zero", 0, H5F_UNLIMITED);
  create("/elsewhere", elsewhere);
  const hid_t chunked = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(chunked, 1, &kSize);
  create("/chunked", chunked);
  H5Pclose(chunked);
  H5Pclose(elsewhere);
  H5Sclose(space);
  H5Fclose(id);

  const Hdf5File file = Hdf5File::open(path());
  EXPECT_EQ(read_text(path()).substr(file.first_byte("/whole"), 3), "\7\x8\x9");
  for (const std::string name : {"/never_written", "/elsewhere", "/chunked"}) {
    EXPECT_EQ(thrown_message<std::runtime_error>([&] { file.first_byte(name); }),
              "cannot find '" + name + "' in " + path().string() + ": it is not one piece of the file");
  }
}

TEST_F(Hdf5FileTest, FailuresNameActionDatasetAndFile) {
  const Hdf5File file = written([](Hdf5File& f) {
    f.write("/x", std::vector<double>{1, 2});
    f.write_attribute("text", std::string("t"));
    f.write_attribute("number", 1.0);
  });
  const std::string p = path();
  const auto error = [](auto action) { return thrown_message<std::runtime_error>(action); };
  EXPECT_TRUE(error([&] { file.read<double>("/y"); }).starts_with("cannot read '/y' in " + p + ": "));
  EXPECT_TRUE(error([&] { file.read_strings("/y"); }).starts_with("cannot read '/y' in " + p + ": "));
  EXPECT_TRUE(error([&] { file.list("/y"); }).starts_with("cannot list '/y' in " + p + ": "));
  EXPECT_TRUE(error([&] { file.read_int_attribute("y"); }).starts_with("cannot read attribute 'y' in " + p + ": "));
  std::vector<double> three(3);
  EXPECT_EQ(error([&] { file.read_into<double>("/x", three); }),
            "cannot read '/x' in " + p + ": it has 2 values, not 3");
  EXPECT_EQ(error([&] { file.read_strings("/x"); }), "cannot read '/x' in " + p + ": it does not hold text");
  EXPECT_EQ(error([&] { file.read_string_attribute("number"); }),
            "cannot read attribute 'number' in " + p + ": it is not text");
  EXPECT_FALSE(error([&] { file.read_int_attribute("text"); }).starts_with("(no error)"));
  EXPECT_EQ(error([&] { Hdf5File::open(directory_ / "none.h5"); }),
            "cannot open " + (directory_ / "none.h5").string() + ": No such file or directory");
  EXPECT_EQ(error([&] { Hdf5File::create(directory_ / "no/f.h5"); }),
            "cannot create " + (directory_ / "no/f.h5").string() + ": No such file or directory");
}

/// Otherwise the file would hold zeros there, if space is free again when it is closed.
TEST_F(Hdf5FileTest, SmallDataThatDoNotReachTheDiskAreAnErrorAtOnce) {
  Hdf5File file = Hdf5File::create(path());
  std::signal(SIGXFSZ, SIG_IGN);  // writing beyond the limit fails instead
  rlimit usual{};
  getrlimit(RLIMIT_FSIZE, &usual);
  const rlimit full{.rlim_cur = 1, .rlim_max = usual.rlim_max};
  setrlimit(RLIMIT_FSIZE, &full);
  const std::string message =
      thrown_message<std::runtime_error>([&] { file.write("/x", std::vector<double>(500, 1)); });
  setrlimit(RLIMIT_FSIZE, &usual);
  std::signal(SIGXFSZ, SIG_DFL);
  EXPECT_EQ(message, "cannot write '/x' in " + path().string() + ": File too large");
}

TEST_F(Hdf5FileTest, FailuresAreReportedByUsAloneOnEveryThread) {
  testing::internal::CaptureStderr();
  std::jthread([&] { thrown_message<std::runtime_error>([&] { Hdf5File::open(directory_ / "none.h5"); }); }).join();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

/// Otherwise a thread that ends would leak them.
TEST_F(Hdf5FileTest, NoReasonOfAFailureIsKeptByHDF5) {
  thrown_message<std::runtime_error>([&] { Hdf5File::open(directory_ / "none.h5"); });
  EXPECT_EQ(H5Eget_num(H5E_DEFAULT), 0);

  const hid_t space = H5Screate(H5S_SCALAR);
  { const Hdf5Handle not_closed(space, H5Tclose, "close a space as a type"); }
  EXPECT_EQ(H5Eget_num(H5E_DEFAULT), 0);
  EXPECT_EQ(H5Sclose(space), 0);
}

TEST_F(Hdf5FileTest, ShapeMustFitTheValues) {
  Hdf5File file = Hdf5File::create(path());
  const std::vector<double> values(5);
  EXPECT_EQ(thrown_message<std::runtime_error>([&] {
              file.write<double>("/x", values, {2, 3});
            }),
            "cannot write '/x' in " + path().string() + ": 5 values for a shape of 6");
}

TEST_F(Hdf5FileTest, ANameIsWrittenOnce) {
  Hdf5File file = Hdf5File::create(path());
  file.write("/x", std::vector<double>{1});
  EXPECT_TRUE(thrown_message<std::runtime_error>([&] {
                file.write("/x", std::vector<double>{1});
              }).starts_with("cannot write '/x' in "));
}

}  // namespace
}  // namespace incubate
