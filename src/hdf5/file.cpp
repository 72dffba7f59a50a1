#include "hdf5/file.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <new>
#include <numeric>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/out_of_memory.h"

namespace incubate {
namespace {

/// Switches file locking off (parallel file systems refuse it; run directories have their own locks) and HDF5's
/// printing of errors, which a thread-safe library keeps for each thread.
void prepare_library() {
  static const int locking_is_off = setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
  thread_local const herr_t reports_are_off = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  static_cast<void>(locking_is_off);
  static_cast<void>(reports_are_off);
}

/// Returns the system's message within HDF5's for a failed system call ("time = ..., errno = 28, error message = 'No
/// space left on device', ..."). Returns other messages unchanged.
std::string shorten(const std::string& reason) {
  constexpr std::string_view kBegin = "error message = '";
  const std::size_t begin = reason.find(kBegin);
  if (begin == std::string::npos) return reason;
  const std::string words = reason.substr(begin + kBegin.size());
  return words.substr(0, words.find('\''));
}

/// Returns HDF5's message for the innermost cause of the last failure and clears HDF5's error stack. HDF5 never frees
/// the stack of a thread that has ended.
std::string last_error() {
  std::string reason = "no reason given";
  auto keep = [](unsigned /*depth*/, const H5E_error2_t* error, void* text) -> herr_t {
    *static_cast<std::string*>(text) = error->desc == nullptr ? "" : error->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep, &reason);
  H5Eclear2(H5E_DEFAULT);
  return shorten(reason);
}

[[noreturn]] void throw_last_error(const std::string& action) {
  const std::string reason = last_error();
  if (says_out_of_memory(reason)) throw std::bad_alloc();  // the file itself is fine
  throw std::runtime_error(fmt::format("cannot {}: {}", action, reason));
}

void check_status(herr_t status, const std::string& action) {
  if (status < 0) throw_last_error(action);
}

template <typename T>
hid_t native_type();
template <>
hid_t native_type<float>() {
  return H5T_NATIVE_FLOAT;
}
template <>
hid_t native_type<double>() {
  return H5T_NATIVE_DOUBLE;
}
template <>
hid_t native_type<std::int32_t>() {
  return H5T_NATIVE_INT32;
}
template <>
hid_t native_type<std::int64_t>() {
  return H5T_NATIVE_INT64;
}
template <>
hid_t native_type<std::uint8_t>() {
  return H5T_NATIVE_UINT8;
}
template <>
hid_t native_type<std::uint16_t>() {
  return H5T_NATIVE_UINT16;
}
template <>
hid_t native_type<std::uint64_t>() {
  return H5T_NATIVE_UINT64;
}

Hdf5Handle make_string_type() {
  Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "make a string type");
  check_status(H5Tset_size(type.id(), H5T_VARIABLE), "make a string type");
  check_status(H5Tset_cset(type.id(), H5T_CSET_UTF8), "make a string type");
  return type;
}

Hdf5Handle make_space(const std::vector<hsize_t>& shape) {
  return {
      shape.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
      H5Sclose, "make a data space"};
}

Hdf5Handle create_dataset(hid_t file, const std::string& name, hid_t type, const Hdf5Handle& space,
                          const std::string& action) {
  Hdf5Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose, action);
  check_status(H5Pset_create_intermediate_group(links.id(), 1), action);
  Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, action);
  check_status(H5Pset_obj_track_times(creation.id(), false), action);  // equal content must make equal files
  return {H5Dcreate2(file, name.c_str(), type, space.id(), links.id(), creation.id(), H5P_DEFAULT), H5Dclose, action};
}

void write_scalar_attribute(hid_t file, const std::string& name, hid_t type, const void* value,
                            const std::string& action) {
  const Hdf5Handle space = make_space({});
  const Hdf5Handle attribute(H5Acreate2(file, name.c_str(), type, space.id(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                             action);
  check_status(H5Awrite(attribute.id(), type, value), action);
}

template <typename T>
T read_scalar_attribute(hid_t file, const std::string& name, const std::string& action) {
  const Hdf5Handle attribute(H5Aopen(file, name.c_str(), H5P_DEFAULT), H5Aclose, action);
  const Hdf5Handle space(H5Aget_space(attribute.id()), H5Sclose, action);
  check_running(H5Sget_simple_extent_npoints(space.id()) == 1, "cannot {}: it is not a single value", action);
  T value{};
  check_status(H5Aread(attribute.id(), native_type<T>(), &value), action);
  return value;
}

/// Returns the extents of an array. Throws if the array has more elements than the file has bytes, times `most`. Our
/// arrays are uncompressed, so a larger size is false and would waste memory.
std::vector<hsize_t> read_extents(const Hdf5Handle& dataset, const std::string& action, hsize_t most = 1) {
  const Hdf5Handle space(H5Dget_space(dataset.id()), H5Sclose, action);
  const int rank = H5Sget_simple_extent_ndims(space.id());
  check_status(rank, action);
  std::vector<hsize_t> extents(rank);
  check_status(H5Sget_simple_extent_dims(space.id(), extents.data(), nullptr), action);
  const Hdf5Handle file(H5Iget_file_id(dataset.id()), H5Fclose, action);
  hsize_t file_bytes = 0;
  check_status(H5Fget_filesize(file.id(), &file_bytes), action);
  hsize_t size = 1;
  for (const hsize_t extent : extents) {
    const hsize_t factor = std::max<hsize_t>(extent, 1);  // so that an extent of 0 does not hide the others
    check_running(!__builtin_mul_overflow(size, factor, &size) && size / most <= file_bytes,
                  "cannot {}: it states more values than the file has bytes, {}", action, file_bytes);
  }
  return extents;
}

bool is_variable_string(hid_t type) { return H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0; }

}  // namespace

std::string hdf5_version() {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

Hdf5Handle::Hdf5Handle(hid_t id, Close close, const std::string& action) : id_(id), close_(close) {
  if (id < 0) throw_last_error(action);
}

Hdf5Handle::~Hdf5Handle() {
  if (id_ >= 0 && close_(id_) < 0) H5Eclear2(H5E_DEFAULT);  // a destructor cannot report the reason
}

Hdf5Handle::Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}

void Hdf5Handle::close(const std::string& action) { check_status(close_(std::exchange(id_, -1)), action); }

Hdf5File Hdf5File::create(const std::filesystem::path& path, hsize_t user_block_bytes) {
  prepare_library();
  const std::string action = "create " + path.string();
  const Hdf5Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose, action);
  check_status(H5Pset_userblock(creation.id(), user_block_bytes), action);
  return {path, Hdf5Handle(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.id(), H5P_DEFAULT), H5Fclose, action)};
}

Hdf5File Hdf5File::open(const std::filesystem::path& path) {
  prepare_library();
  const std::string action = "open " + path.string();
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, action);
#if H5_VERSION_GE(1, 12, 1) || (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 12, 0))
  // Our files are replaced, never changed, so a file that another program has open is safe to read.
  check_status(H5Pset_file_locking(access.id(), /*use_file_locking=*/false, /*ignore_when_disabled=*/true), action);
#endif
  return {path, Hdf5Handle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.id()), H5Fclose, action)};
}

Hdf5File Hdf5File::open_compressed(const std::filesystem::path& path) {
  Hdf5File file = open(path);
  file.most_values_per_byte_ = 1032;
  return file;
}

void Hdf5File::close() { file_.close("close " + path_); }

std::string Hdf5File::action(const std::string& verb, const std::string& name) const {
  return fmt::format("{} '{}' in {}", verb, name, path_);
}

template <typename T>
void Hdf5File::write(const std::string& name, std::span<const T> values, const std::vector<hsize_t>& shape) {
  const std::string what = action("write", name);
  const hsize_t size = std::accumulate(shape.begin(), shape.end(), hsize_t{1}, std::multiplies<>());
  check_running(size == values.size(), "cannot {}: {} values for a shape of {}", what, values.size(), size);
  Hdf5Handle dataset = create_dataset(file_.id(), name, native_type<T>(), make_space(shape), what);
  check_status(H5Dwrite(dataset.id(), native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), what);
  dataset.close(what);  // a full disk shows here; unchecked, the file would hold zeros
}

void Hdf5File::write_strings(const std::string& name, const std::vector<std::string>& values) {
  const std::string what = action("write", name);
  const Hdf5Handle type = make_string_type();
  std::vector<const char*> pointers(values.size());
  std::ranges::transform(values, pointers.begin(), &std::string::c_str);
  Hdf5Handle dataset = create_dataset(file_.id(), name, type.id(), make_space({values.size()}), what);
  check_status(H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()), what);
  dataset.close(what);
}

bool Hdf5File::contains(const std::string& name) const {
  // H5Lexists fails if a group before the last link is missing.
  for (std::size_t end = name.find('/', 1); end != std::string::npos; end = name.find('/', end + 1)) {
    if (H5Lexists(file_.id(), name.substr(0, end).c_str(), H5P_DEFAULT) <= 0) return false;
  }
  return H5Lexists(file_.id(), name.c_str(), H5P_DEFAULT) > 0;
}

std::vector<hsize_t> Hdf5File::shape(const std::string& name) const {
  const std::string what = action("read", name);
  const Hdf5Handle dataset(H5Dopen2(file_.id(), name.c_str(), H5P_DEFAULT), H5Dclose, what);
  return read_extents(dataset, what, most_values_per_byte_);
}

std::string Hdf5File::number_type(const std::string& name) const {
  const std::string what = action("read", name);
  const Hdf5Handle dataset(H5Dopen2(file_.id(), name.c_str(), H5P_DEFAULT), H5Dclose, what);
  const Hdf5Handle stored(H5Dget_type(dataset.id()), H5Tclose, what);
  const H5T_class_t kind = H5Tget_class(stored.id());
  const std::size_t size = H5Tget_size(stored.id());
  if ((kind != H5T_INTEGER && kind != H5T_FLOAT) || H5Tget_precision(stored.id()) != 8 * size) {
    return "non-numeric";
  }
  const char order = size == 1 ? '|' : H5Tget_order(stored.id()) == H5T_ORDER_BE ? '>' : '<';
  const char letter = kind == H5T_FLOAT ? 'f' : H5Tget_sign(stored.id()) == H5T_SGN_NONE ? 'u' : 'i';
  return fmt::format("{}{}{}", order, letter, size);
}

std::vector<std::uint8_t> Hdf5File::read_stored(const std::string& name) const {
  const std::string what = action("read", name);
  const Hdf5Handle dataset(H5Dopen2(file_.id(), name.c_str(), H5P_DEFAULT), H5Dclose, what);
  const Hdf5Handle stored(H5Dget_type(dataset.id()), H5Tclose, what);
  check_running(H5Tget_class(stored.id()) == H5T_INTEGER || H5Tget_class(stored.id()) == H5T_FLOAT,
                "cannot {}: it holds no numbers", what);
  const std::vector<hsize_t> extents = read_extents(dataset, what, most_values_per_byte_);
  std::vector<std::uint8_t> bytes(
      std::accumulate(extents.begin(), extents.end(), hsize_t{H5Tget_size(stored.id())}, std::multiplies<>()));
  check_status(H5Dread(dataset.id(), stored.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()), what);
  return bytes;
}

template <typename T>
void Hdf5File::read_into(const std::string& name, std::span<T> values) const {
  const std::string what = action("read", name);
  const Hdf5Handle dataset(H5Dopen2(file_.id(), name.c_str(), H5P_DEFAULT), H5Dclose, what);
  read_extents(dataset, what);  // refuses sizes beyond the file's
  const Hdf5Handle space(H5Dget_space(dataset.id()), H5Sclose, what);
  const hssize_t size = H5Sget_simple_extent_npoints(space.id());
  check_running(size == static_cast<hssize_t>(values.size()), "cannot {}: it has {} values, not {}", what, size,
                values.size());
  check_status(H5Dread(dataset.id(), native_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), what);
}

template <typename T>
std::vector<T> Hdf5File::read(const std::string& name) const {
  const std::vector<hsize_t> extents = shape(name);
  std::vector<T> values(std::accumulate(extents.begin(), extents.end(), hsize_t{1}, std::multiplies<>()));
  read_into<T>(name, values);
  return values;
}

std::vector<std::string> Hdf5File::read_strings(const std::string& name) const {
  const std::string what = action("read", name);
  const Hdf5Handle dataset(H5Dopen2(file_.id(), name.c_str(), H5P_DEFAULT), H5Dclose, what);
  const Hdf5Handle stored(H5Dget_type(dataset.id()), H5Tclose, what);
  check_running(is_variable_string(stored.id()), "cannot {}: it does not hold text", what);
  read_extents(dataset, what);  // refuses sizes beyond the file's
  const Hdf5Handle space(H5Dget_space(dataset.id()), H5Sclose, what);
  std::vector<char*> pointers(H5Sget_simple_extent_npoints(space.id()));
  if (pointers.empty()) return {};  // H5Dvlen_reclaim rejects a null buffer
  const Hdf5Handle type = make_string_type();
  check_status(H5Dread(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()), what);
  std::vector<std::string> values;
  for (const char* pointer : pointers) values.emplace_back(pointer == nullptr ? "" : pointer);
  check_status(H5Dvlen_reclaim(type.id(), space.id(), H5P_DEFAULT, pointers.data()), what);
  return values;
}

std::uint64_t Hdf5File::first_byte(const std::string& name) const {
  const std::string what = action("find", name);
  const Hdf5Handle dataset(H5Dopen2(file_.id(), name.c_str(), H5P_DEFAULT), H5Dclose, what);
  const haddr_t offset = H5Dget_offset(dataset.id());  // includes the user block, even if the array is not stored
  const Hdf5Handle creation(H5Fget_create_plist(file_.id()), H5Pclose, what);
  hsize_t user_block_bytes = 0;
  check_status(H5Pget_userblock(creation.id(), &user_block_bytes), what);
  check_running(offset != HADDR_UNDEF && offset >= user_block_bytes, "cannot {}: it is not one piece of the file",
                what);
  return offset;
}

std::vector<std::string> Hdf5File::list(const std::string& group) const {
  std::vector<std::string> names;
  auto keep = [](hid_t /*group*/, const char* name, const H5L_info_t* /*info*/, void* list) -> herr_t {
    static_cast<std::vector<std::string>*>(list)->emplace_back(name);
    return 0;
  };
  const std::string what = action("list", group);
  const Hdf5Handle handle(H5Gopen2(file_.id(), group.c_str(), H5P_DEFAULT), H5Gclose, what);
  check_status(H5Literate(handle.id(), H5_INDEX_NAME, H5_ITER_INC, nullptr, keep, &names), what);
  return names;
}

void Hdf5File::write_attribute(const std::string& name, const std::string& value) {
  const Hdf5Handle type = make_string_type();
  const char* pointer = value.c_str();
  write_scalar_attribute(file_.id(), name, type.id(), &pointer, action("write attribute", name));
}

void Hdf5File::write_attribute(const std::string& name, std::int64_t value) {
  write_scalar_attribute(file_.id(), name, H5T_NATIVE_INT64, &value, action("write attribute", name));
}

void Hdf5File::write_attribute(const std::string& name, double value) {
  write_scalar_attribute(file_.id(), name, H5T_NATIVE_DOUBLE, &value, action("write attribute", name));
}

std::string Hdf5File::read_string_attribute(const std::string& name) const {
  const std::string what = action("read attribute", name);
  const Hdf5Handle attribute(H5Aopen(file_.id(), name.c_str(), H5P_DEFAULT), H5Aclose, what);
  const Hdf5Handle stored(H5Aget_type(attribute.id()), H5Tclose, what);
  check_running(is_variable_string(stored.id()), "cannot {}: it is not text", what);
  const Hdf5Handle space(H5Aget_space(attribute.id()), H5Sclose, what);
  check_running(H5Sget_simple_extent_npoints(space.id()) == 1, "cannot {}: it is not a single value", what);
  const Hdf5Handle type = make_string_type();
  char* pointer = nullptr;
  check_status(H5Aread(attribute.id(), type.id(), static_cast<void*>(&pointer)), what);
  std::string value = pointer == nullptr ? "" : pointer;
  H5free_memory(pointer);
  return value;
}

std::int64_t Hdf5File::read_int_attribute(const std::string& name) const {
  return read_scalar_attribute<std::int64_t>(file_.id(), name, action("read attribute", name));
}

double Hdf5File::read_double_attribute(const std::string& name) const {
  return read_scalar_attribute<double>(file_.id(), name, action("read attribute", name));
}

void Hdf5File::add_external_link(const std::string& name, const std::string& file) {
  check_status(H5Lcreate_external(file.c_str(), "/", file_.id(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT),
               action("link", name));
}

#define INCUBATE_INSTANTIATE(T)                                                                          \
  template void Hdf5File::write<T>(const std::string&, std::span<const T>, const std::vector<hsize_t>&); \
  template void Hdf5File::read_into<T>(const std::string&, std::span<T>) const;                          \
  template std::vector<T> Hdf5File::read<T>(const std::string&) const;
INCUBATE_INSTANTIATE(float)
INCUBATE_INSTANTIATE(double)
INCUBATE_INSTANTIATE(std::int32_t)
INCUBATE_INSTANTIATE(std::int64_t)
INCUBATE_INSTANTIATE(std::uint8_t)
INCUBATE_INSTANTIATE(std::uint16_t)
INCUBATE_INSTANTIATE(std::uint64_t)
#undef INCUBATE_INSTANTIATE

}  // namespace incubate
