#include "fuzz/hostile_hdf5.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <utility>

#include <xxhash.h>

#include "hdf5/atomic_file.h"
#include "hdf5/verified_file.h"

namespace incubate {
namespace {

/// An HDF5 identifier of any kind, or an invalid one: what HDF5 refuses to make is left out.
class Id {
 public:
  explicit Id(hid_t id) : id_(id) {}
  ~Id() {
    if (id_ >= 0) H5Idec_ref(id_);
  }
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  Id& operator=(Id&&) = delete;
  Id(const Id&) = delete;
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
};

constexpr hsize_t kMostWritten = 2048;  // elements of an array whose values are written
constexpr std::size_t kMostTypeBytes = 4096;

Id copy_type(hid_t type) { return Id(H5Tcopy(type)); }

Id make_text_type(std::size_t size, H5T_cset_t encoding) {
  Id type = copy_type(H5T_C_S1);
  H5Tset_size(type, size);
  H5Tset_cset(type, encoding);
  return type;
}

Id make_expected_type(Expected::Type type) {
  switch (type) {
    case Expected::Type::text:
      return make_text_type(H5T_VARIABLE, H5T_CSET_UTF8);
    case Expected::Type::integer:
      return copy_type(H5T_NATIVE_INT64);
    case Expected::Type::natural:
      return copy_type(H5T_NATIVE_UINT64);
    case Expected::Type::real:
      return copy_type(H5T_NATIVE_DOUBLE);
    case Expected::Type::single:
      return copy_type(H5T_NATIVE_FLOAT);
    case Expected::Type::bytes:
      return copy_type(H5T_NATIVE_UINT8);
  }
  return Id(-1);
}

Id make_compound_type(hid_t second) {
  Id type(H5Tcreate(H5T_COMPOUND, 8 + H5Tget_size(second)));
  H5Tinsert(type, "a", 0, H5T_NATIVE_DOUBLE);
  H5Tinsert(type, "b", 8, second);
  return type;
}

Id make_small_float_type() {
  Id type = copy_type(H5T_IEEE_F32LE);
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  return type;
}

Id make_enumeration() {
  Id type(H5Tenum_create(H5T_NATIVE_INT));
  const int value = 1;
  H5Tenum_insert(type, "one", &value);
  return type;
}

Id make_any_type(ByteSource& source) {
  const std::array<hid_t, 14> simple = {H5T_STD_I8LE,       H5T_STD_U8LE,    H5T_STD_I16BE,   H5T_STD_I32LE,
                                        H5T_STD_U64LE,      H5T_STD_I64BE,   H5T_IEEE_F32BE,  H5T_IEEE_F64LE,
                                        H5T_NATIVE_LDOUBLE, H5T_STD_B8LE,    H5T_STD_REF_OBJ, H5T_STD_REF_DSETREG,
                                        H5T_UNIX_D32LE,     H5T_NATIVE_HBOOL};
  const std::size_t kind = source.choice(simple.size() + 13);
  if (kind < simple.size()) return copy_type(simple[kind]);
  const Id text = make_text_type(H5T_VARIABLE, H5T_CSET_ASCII);
  const std::array<hsize_t, 2> extents = {2, 3};
  switch (kind - simple.size()) {
    case 0:
      return make_text_type(H5T_VARIABLE, H5T_CSET_ASCII);
    case 1:
      return make_text_type(1 + source.byte(), H5T_CSET_UTF8);
    case 2:
      return make_text_type(H5T_VARIABLE, H5T_CSET_UTF8);
    case 3:
      return make_compound_type(H5T_NATIVE_INT);
    case 4:
      return make_compound_type(text);
    case 5:
      return Id(H5Tarray_create2(H5T_NATIVE_FLOAT, extents.size(), extents.data()));
    case 6:
      return Id(H5Tarray_create2(text, extents.size(), extents.data()));
    case 7:
      return Id(H5Tvlen_create(H5T_NATIVE_INT));
    case 8:
      return Id(H5Tvlen_create(text));
    case 9:
      return make_enumeration();
    case 10:
      return Id(H5Tcreate(H5T_OPAQUE, 1 + source.byte()));
    case 11:
      return make_small_float_type();
    default:
      return make_text_type(std::size_t{1} << 30, H5T_CSET_ASCII);
  }
}

hsize_t make_extent(ByteSource& source) {
  constexpr std::array<hsize_t, 14> kExtents = {0,
                                                1,
                                                2,
                                                3,
                                                4,
                                                7,
                                                hsize_t{1} << 16,
                                                hsize_t{1} << 31,
                                                hsize_t{1} << 32,
                                                hsize_t{1} << 40,
                                                hsize_t{1} << 62,
                                                (hsize_t{1} << 63) - 1,
                                                hsize_t{1} << 63,
                                                ~hsize_t{1}};
  const std::size_t kind = source.choice(kExtents.size() + 4);
  return kind < kExtents.size() ? kExtents[kind] : source.byte();
}

std::vector<hsize_t> make_any_shape(ByteSource& source) {
  std::vector<hsize_t> shape(source.choice(7));
  for (hsize_t& extent : shape) extent = make_extent(source);
  return shape;
}

Id make_space(const std::vector<hsize_t>& shape) {
  return Id(shape.empty() ? H5Screate(H5S_SCALAR)
                          : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr));
}

bool is_small(const std::vector<hsize_t>& shape) {
  hsize_t size = 1;
  for (const hsize_t extent : shape) {
    if (extent > kMostWritten || (size *= std::max<hsize_t>(extent, 1)) > kMostWritten) return false;
  }
  return true;
}

/// Returns the number of elements to write: 0 if there are too many.
hsize_t count_written(const std::vector<hsize_t>& shape) {
  if (!is_small(shape)) return 0;
  return std::accumulate(shape.begin(), shape.end(), hsize_t{1}, std::multiplies<>());
}

/// Returns whether values are addresses. For text within another type it is enough that they could be.
bool holds_pointers(hid_t type) {
  const bool is_text = H5Tget_class(type) == H5T_STRING;
  return is_text ? H5Tis_variable_str(type) > 0
                 : H5Tdetect_class(type, H5T_VLEN) > 0 || H5Tdetect_class(type, H5T_REFERENCE) > 0 ||
                       H5Tdetect_class(type, H5T_STRING) > 0;
}

/// Values that HDF5 converts to the stored type.
class Values {
 public:
  static Values as(const Expected& expected, hsize_t count) {
    Values values(make_expected_type(expected.type));
    const bool is_text = expected.type == Expected::Type::text;
    for (hsize_t i = 0; i < count; ++i) {
      if (is_text) {
        values.texts_.push_back(expected.texts.empty() ? "" : expected.texts[i % expected.texts.size()]);
      } else {
        values.append(expected.type, expected.values.empty() ? 0 : expected.values[i % expected.values.size()]);
      }
    }
    return values;
  }
  static Values from(ByteSource& source, hid_t type, hsize_t count) {
    Values values(copy_type(type));
    const bool is_text = H5Tis_variable_str(type) > 0 && H5Tget_class(type) == H5T_STRING;
    if (is_text) {
      for (hsize_t i = 0; i < count; ++i) values.texts_.push_back(source.text(source.choice(32)));
    } else if (!holds_pointers(type) && H5Tget_size(type) <= kMostTypeBytes) {
      values.bytes_ = source.text(count * H5Tget_size(type));
      values.bytes_.resize(count * H5Tget_size(type));
    } else {
      values.is_known_ = false;
    }
    return values;
  }

  hid_t type() const { return type_; }
  /// Returns null if the type has no values that could be made up.
  const void* data() {
    if (!is_known_) return nullptr;
    if (texts_.empty()) return bytes_.data();
    pointers_.clear();
    for (const std::string& text : texts_) pointers_.push_back(text.c_str());
    return pointers_.data();
  }

 private:
  explicit Values(Id type) : type_(std::move(type)) {}

  template <typename T>
  void append_as(std::int64_t value) {
    const T converted = static_cast<T>(value);
    bytes_.append(reinterpret_cast<const char*>(&converted), sizeof(converted));
  }
  void append(Expected::Type type, std::int64_t value) {
    if (type == Expected::Type::integer) append_as<std::int64_t>(value);
    if (type == Expected::Type::natural) append_as<std::uint64_t>(value);
    if (type == Expected::Type::real) append_as<double>(value);
    if (type == Expected::Type::single) append_as<float>(value);
    if (type == Expected::Type::bytes) append_as<std::uint8_t>(value);
  }

  Id type_;
  bool is_known_ = true;
  std::string bytes_;
  std::vector<std::string> texts_;
  std::vector<const char*> pointers_;
};

Id make_links() {
  Id links(H5Pcreate(H5P_LINK_CREATE));
  H5Pset_create_intermediate_group(links, 1);
  return links;
}

/// The form of an item.
struct Plan {
  Id type;
  std::vector<hsize_t> shape;
  bool is_null = false;
  Id creation = Id(H5Pcreate(H5P_DATASET_CREATE));
  bool is_written = true;
};

void write_item(hid_t file, const std::string& name, const Plan& plan, Values values) {
  const Id space = plan.is_null ? Id(H5Screate(H5S_NULL)) : make_space(plan.shape);
  const void* data = plan.is_written && !plan.is_null && count_written(plan.shape) > 0 ? values.data() : nullptr;
  if (!name.starts_with('/')) {
    if (!is_small(plan.shape) || H5Tget_size(plan.type) > kMostTypeBytes) return;  // attributes are kept in memory
    const Id attribute(H5Acreate2(file, name.c_str(), plan.type, space, H5P_DEFAULT, H5P_DEFAULT));
    if (attribute >= 0 && data != nullptr) H5Awrite(attribute, values.type(), data);
    return;
  }
  const Id links = make_links();
  const Id dataset(H5Dcreate2(file, name.c_str(), plan.type, space, links, plan.creation, H5P_DEFAULT));
  if (dataset >= 0 && data != nullptr) H5Dwrite(dataset, values.type(), H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
}

void set_chunks(const Plan& plan, hsize_t most) {
  std::vector<hsize_t> chunk = plan.shape;
  for (hsize_t& extent : chunk) extent = std::clamp<hsize_t>(extent, 1, most);
  if (!chunk.empty()) H5Pset_chunk(plan.creation, static_cast<int>(chunk.size()), chunk.data());
}

void choose_layout(Plan& plan, const std::string& path, ByteSource& source) {
  switch (source.choice(9)) {
    case 0:
      return;
    case 1:
      return set_chunks(plan, 4);
    case 2:
      set_chunks(plan, 64);
      H5Pset_deflate(plan.creation, 9);
      return;
    case 3:
      H5Pset_layout(plan.creation, H5D_COMPACT);
      return;
    case 4:
      H5Pset_external(plan.creation, source.choice(2) == 0 ? "/dev/zero" : (path + ".raw").c_str(), 0, H5F_UNLIMITED);
      return;
    case 5:
      if (count_written(plan.shape) > 0) H5Pset_alloc_time(plan.creation, H5D_ALLOC_TIME_EARLY);
      plan.is_written = false;
      return;
    case 6: {
      const Id space = make_space(plan.shape);
      H5Pset_virtual(plan.creation, space, source.choice(2) == 0 ? "." : "missing", "/other", space);
      plan.is_written = false;
      return;
    }
    case 7:
      set_chunks(plan, 64);
      H5Pset_fletcher32(plan.creation);
      H5Pset_shuffle(plan.creation);
      return;
    default:
      plan.is_written = false;
  }
}

/// Writes a link, a group or a type where an array is expected.
void write_no_array(hid_t file, const std::string& path, const std::string& name, ByteSource& source) {
  const Id links = make_links();
  const std::string target = source.choice(2) == 0 ? "/" : "/" + source.text(source.choice(16));
  switch (source.choice(5)) {
    case 0: {
      const Id group(H5Gcreate2(file, name.c_str(), links, H5P_DEFAULT, H5P_DEFAULT));
      return;
    }
    case 1:
      H5Lcreate_soft(source.choice(2) == 0 ? name.c_str() : target.c_str(), file, name.c_str(), links, H5P_DEFAULT);
      return;
    case 2:
      H5Lcreate_external(source.choice(2) == 0 ? path.c_str() : "missing.h5", target.c_str(), file, name.c_str(), links,
                         H5P_DEFAULT);
      return;
    case 3:
      H5Lcreate_hard(file, target.c_str(), file, name.c_str(), links, H5P_DEFAULT);
      return;
    default: {
      const Id type = make_any_type(source);
      H5Tcommit2(file, name.c_str(), type, links, H5P_DEFAULT, H5P_DEFAULT);
      return;
    }
  }
}

void write_changed(hid_t file, const std::string& path, const Expected& expected, ByteSource& source) {
  Plan plan{.type = make_expected_type(expected.type), .shape = expected.shape};
  switch (source.choice(8)) {
    case 0:
      return;  // missing
    case 1:
      return write_no_array(file, path, expected.name, source);
    case 2:
      return write_item(file, expected.name, plan, Values::from(source, plan.type, count_written(plan.shape)));
    case 3: {
      const Id type = make_any_type(source);
      const Plan other{.type = copy_type(type), .shape = expected.shape};
      return write_item(file, expected.name, other, Values::from(source, type, count_written(plan.shape)));
    }
    case 4:
      plan.shape = make_any_shape(source);
      choose_layout(plan, path, source);
      break;
    case 5:
      plan.is_null = true;
      break;
    case 6:
      choose_layout(plan, path, source);
      break;
    default:
      // One more or one fewer element than fits the other arrays.
      if (!plan.shape.empty()) plan.shape[source.choice(plan.shape.size())] += source.choice(2) == 0 ? 1 : -1;
  }
  write_item(file, expected.name, plan, Values::as(expected, count_written(plan.shape)));
}

void write_expected(hid_t file, const Expected& expected) {
  const Plan plan{.type = make_expected_type(expected.type), .shape = expected.shape};
  write_item(file, expected.name, plan, Values::as(expected, count_written(plan.shape)));
}

/// Writes unexpected items, in the same groups and elsewhere.
void write_extra(hid_t file, const std::string& path, const std::vector<Expected>& expected, ByteSource& source) {
  const std::string& near = expected[source.choice(expected.size())].name;
  const std::string name = near.substr(0, near.rfind('/') + 1) + source.text(1 + source.choice(12));
  write_changed(file, path, {.name = name, .type = Expected::Type::single, .shape = {2}, .texts = {}, .values = {1}},
                source);
}

void stamp(const std::string& path) {
  std::string bytes = read_text(path);
  const std::uint64_t length = bytes.size() - kUserBlockBytes;
  const std::uint64_t digest = XXH3_64bits(bytes.data() + kUserBlockBytes, length);
  const std::array<std::uint64_t, 3> words = {1, length, digest};
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.write("INCUBATE", 8);
  file.write(reinterpret_cast<const char*>(words.data()), sizeof(words));
}

}  // namespace

void write_hostile_hdf5(const std::string& path, const std::vector<Expected>& expected, ByteSource& source) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
  std::filesystem::remove(path + ".raw");  // of the file before
  {
    const Id creation(H5Pcreate(H5P_FILE_CREATE));
    H5Pset_userblock(creation, kUserBlockBytes);
    const Id access(H5Pcreate(H5P_FILE_ACCESS));
    if (source.choice(4) == 3) H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    const Id file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation, access));
    for (const Expected& item : expected) {
      if (source.byte() < 160) {
        write_expected(file, item);
      } else {
        write_changed(file, path, item, source);
      }
    }
    constexpr int kMostExtra = 6;
    for (int i = 0; i < kMostExtra && !source.is_empty(); ++i) write_extra(file, path, expected, source);
  }
  stamp(path);
}

}  // namespace incubate
