#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <hdf5.h>

namespace incubate {

/// Returns the version of the loaded HDF5 library, such as "1.10.8".
std::string hdf5_version();

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
  /// Closes the identifier now and throws if that fails, as on a full disk: HDF5 writes the last bytes here.
  void close(const std::string& action);

 private:
  hid_t id_;
  Close close_;
};

/// An HDF5 file of named arrays and root attributes. Names are paths such as "/steps/loss"; missing groups are created.
/// Every failure throws std::runtime_error with the file, the action and HDF5's reason.
class Hdf5File {
 public:
  /// Creates a file, replacing an old one. The first `user_block_bytes` (0, or 512 times a power of 2) belong to the
  /// caller.
  static Hdf5File create(const std::filesystem::path& path, hsize_t user_block_bytes = 0);
  /// Opens an existing file to read.
  static Hdf5File open(const std::filesystem::path& path);
  /// Opens another program's file, whose arrays may be compressed by zlib, which makes at most 1032 bytes of one.
  static Hdf5File open_compressed(const std::filesystem::path& path);
  void close();

  /// Writes a whole array, row-major, contiguous on disk. T: float, double, std::int32_t, std::int64_t, std::uint8_t,
  /// std::uint16_t, std::uint64_t. REQUIRES: `shape` has as many elements as `values`.
  template <typename T>
  void write(const std::string& name, std::span<const T> values, const std::vector<hsize_t>& shape);
  template <typename T>
  void write(const std::string& name, const std::vector<T>& values) {
    write<T>(name, std::span<const T>(values), {values.size()});
  }
  void write_strings(const std::string& name, const std::vector<std::string>& values);

  bool contains(const std::string& name) const;
  /// Returns an array's extents. As every function that reads an array, throws if it states more values than the file
  /// has bytes (compressed: could have): a false size must not allocate memory.
  std::vector<hsize_t> shape(const std::string& name) const;
  /// Returns the type of an array's values in NumPy's letters: "|u1" for bytes, such as "<i8" or ">f4" for others;
  /// "non-numeric" for all others.
  std::string number_type(const std::string& name) const;
  /// Returns the bytes of a whole array as the file has them.
  std::vector<std::uint8_t> read_stored(const std::string& name) const;
  /// Returns a whole array, converted to T.
  template <typename T>
  std::vector<T> read(const std::string& name) const;
  /// Reads a whole array into `values`. Throws if the sizes differ.
  template <typename T>
  void read_into(const std::string& name, std::span<T> values) const;
  std::vector<std::string> read_strings(const std::string& name) const;
  /// Returns the offset in bytes of a contiguous array's values from the file's beginning. Throws if the values are
  /// stored in another way, in another file, or not at all.
  std::uint64_t first_byte(const std::string& name) const;
  /// Returns the names directly below a group, sorted.
  std::vector<std::string> list(const std::string& group) const;

  void write_attribute(const std::string& name, const std::string& value);
  void write_attribute(const std::string& name, std::int64_t value);
  void write_attribute(const std::string& name, double value);
  std::string read_string_attribute(const std::string& name) const;
  std::int64_t read_int_attribute(const std::string& name) const;
  double read_double_attribute(const std::string& name) const;

  /// Makes "/`name`" stand for the root of another file, whose path is relative to this file.
  void add_external_link(const std::string& name, const std::string& file);

 private:
  Hdf5File(const std::filesystem::path& path, Hdf5Handle file) : path_(path.string()), file_(std::move(file)) {}
  std::string action(const std::string& verb, const std::string& name) const;

  std::string path_;
  Hdf5Handle file_;
  hsize_t most_values_per_byte_ = 1;  // of the file
};

}  // namespace incubate
