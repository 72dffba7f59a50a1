// Fuzzes IDX files, plain and gzip'ed, CIFAR's binary files, lists of class names, and NPY files. The first byte
// chooses.
#include <zlib.h>

#include "base/check.h"
#include "fuzz/allocation_limit.h"
#include "fuzz/byte_source.h"
#include "fuzz/memory_file.h"
#include "pack/cifar.h"
#include "pack/idx.h"
#include "pack/labelled_arrays.h"

namespace incubate {
namespace {

std::string gzipped(const std::string& bytes) {
  const MemoryFile file;
  gzFile stream = gzopen(file.path().c_str(), "wb1");
  gzwrite(stream, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(stream);
  std::string compressed(compressBound(bytes.size()) + 64, '\0');
  std::FILE* written = std::fopen(file.path().c_str(), "rb");
  compressed.resize(std::fread(compressed.data(), 1, compressed.size(), written));
  std::fclose(written);
  return compressed;
}

void read_idx_bytes(const std::string& bytes, int num_dimensions) {
  const MemoryFile file(bytes);
  // Two pieces of 16 MiB while it grows; deflate makes at most 1032 bytes of one, and growing doubles them.
  const AllocationLimit limit((std::size_t{40} << 20) + (3 * 1032 * bytes.size()));
  const IdxArray array = read_idx(file.path(), num_dimensions);
  std::int64_t size = 1;
  for (const std::int64_t extent : array.shape) size *= extent;
  check_running(array.shape.size() == static_cast<std::size_t>(num_dimensions) &&
                    size == static_cast<std::int64_t>(array.bytes.size()),
                "the shape of {} values is that of {}", array.bytes.size(), size);
}

void read_cifar_bytes(ByteSource& source) {
  const std::size_t record = 3073 + source.choice(2);
  const auto num_classes = static_cast<std::int64_t>(source.byte());
  const std::size_t num_records = source.choice(4);
  const bool is_whole = source.choice(4) != 3;
  std::string bytes = source.rest();
  if (is_whole) bytes.resize(num_records * record);
  const MemoryFile first(bytes);
  const MemoryFile second(bytes);
  const AllocationLimit limit((std::size_t{1} << 20) + (16 * bytes.size()));
  const LabelledImages images = read_cifar({first.path(), second.path()}, num_classes);
  check_running(images.bytes.size() == images.labels.size() * static_cast<std::size_t>(images.image_bytes()),
                "{} images have {} bytes", images.labels.size(), images.bytes.size());
  check_labels(images.labels, num_classes, "accepted");
}

void read_class_name_bytes(const std::string& bytes) {
  const MemoryFile file(bytes);
  const AllocationLimit limit((std::size_t{1} << 20) + (100 * bytes.size()));
  read_class_names(file.path());
}

void read_npy_bytes(const std::string& bytes) {
  const MemoryFile file(bytes);
  const AllocationLimit limit((std::size_t{2} << 20) + (16 * bytes.size()));
  const SourceArray array = read_npy(file.path());
  const auto size = static_cast<std::size_t>(array.num_values() * array.value_bytes());
  check_running(size == array.bytes.size() && size < bytes.size(), "{} values have {} bytes", array.num_values(),
                array.bytes.size());
  SourceArray images = array;
  check_labels(label_images(std::move(images), array, 256).labels, 256, "accepted");
}

void read_image_file(ByteSource& source) {
  switch (source.choice(7)) {
    case 0:
      return read_idx_bytes(source.rest(), 1);
    case 1:
      return read_idx_bytes(source.rest(), 3);
    case 2:
      return read_idx_bytes(gzipped(source.rest()), 1);
    case 3:
      return read_idx_bytes(gzipped(source.rest()), 3);
    case 4:
      return read_cifar_bytes(source);
    case 5:
      return read_class_name_bytes(source.rest());
    default:
      return read_npy_bytes(source.rest());
  }
}

}  // namespace
}  // namespace incubate

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace incubate;
  ByteSource source({data, size});
  try {
    read_image_file(source);
  } catch (const InputError&) {
  }
  return 0;
}
