#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <hdf5.h>

namespace incubate {

/// Owns one HDF5 identifier of any kind.
class Hdf5Handle {
 public:
  using Close = herr_t (*)(hid_t);

  /// Throws std::runtime_error "cannot `action`" with HDF5's reason if `id` is invalid.
  Hdf5Handle(hid_t id, Close close, const std::string& action);
  ~Hdf5Handle();
  Hdf5Handle(Hdf5Handle&& other) noexcept;
  Hdf5Handle& operator=(Hdf5Handle&& other) = delete;
  Hdf5Handle(const Hdf5Handle&) = delete;

  hid_t id() const { return id_; }
  /// Closes now and throws if that fails: on a full disk, the last bytes are refused here.
  void close(const std::string& action);

 private:
  hid_t id_;
  Close close_;
};

/// An HDF5 file of named arrays and root attributes. Names are paths such as "/steps/loss"; missing groups are made.
/// Every failure throws std::runtime_error that names the file, what was tried and HDF5's reason.
class Hdf5File {
 public:
  /// A new file (an old one is replaced) that leaves its first `user_block_bytes` to the caller: 0, or 512 times a
  /// power of 2.
  static Hdf5File create(const std::filesystem::path& path, hsize_t user_block_bytes = 0);
  /// An existing file, to read.
  static Hdf5File open(const std::filesystem::path& path);
  void close();

  /// Writes a whole array, row-major, contiguous on disk. T: float, double, std::int32_t,
  /// std::int64_t, std::uint8_t, std::uint64_t.
  /// REQUIRES: `shape` has as many elements as `values`.
  template <typename T>
  void write(const std::string& name, std::span<const T> values, const std::vector<hsize_t>& shape);
  template <typename T>
  void write(const std::string& name, const std::vector<T>& values) {
    write<T>(name, std::span<const T>(values), {values.size()});
  }
  void write_strings(const std::string& name, const std::vector<std::string>& values);

  bool contains(const std::string& name) const;
  /// Of an array. Here and wherever one is read, more values than the file has bytes are refused, so that no memory is
  /// taken just because a file states a size.
  std::vector<hsize_t> shape(const std::string& name) const;
  /// Whether an array holds 8-bit unsigned integers.
  bool holds_bytes(const std::string& name) const;
  /// Reads a whole array, converted to T.
  template <typename T>
  std::vector<T> read(const std::string& name) const;
  /// Reads into memory that has just the array's size.
  template <typename T>
  void read_into(const std::string& name, std::span<T> values) const;
  std::vector<std::string> read_strings(const std::string& name) const;
  /// Where the values of a contiguous array begin, in bytes from the beginning of the file. Throws if it is stored in
  /// another way, elsewhere, or not at all.
  std::uint64_t first_byte(const std::string& name) const;
  /// Names directly below a group, sorted.
  std::vector<std::string> list(const std::string& group) const;

  void write_attribute(const std::string& name, const std::string& value);
  void write_attribute(const std::string& name, std::int64_t value);
  void write_attribute(const std::string& name, double value);
  std::string read_string_attribute(const std::string& name) const;
  std::int64_t read_int_attribute(const std::string& name) const;
  double read_double_attribute(const std::string& name) const;

  /// "/`name`" stands for the root of another file, given relative to this one.
  void add_external_link(const std::string& name, const std::string& file);

 private:
  Hdf5File(const std::filesystem::path& path, Hdf5Handle file) : path_(path.string()), file_(std::move(file)) {}
  std::string action(const std::string& verb, const std::string& name) const;

  std::string path_;
  Hdf5Handle file_;
};

}  // namespace incubate
