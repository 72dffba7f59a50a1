// Fuzzes files of this program with any bytes, up to the point where HDF5 would open them. Three of four changed inputs
// get a first block that fits the rest, so that not all of them end at the checksum.
#include <algorithm>
#include <cstring>

#include <xxhash.h>

#include "fuzz/allocation_limit.h"
#include "fuzz/memory_file.h"
#include "hdf5/verified_file.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  using incubate::kUserBlockBytes;
  const std::size_t changed = LLVMFuzzerMutate(data, size, most);
  if (seed % 4 == 0 || most < kUserBlockBytes) return changed;
  if (changed < kUserBlockBytes) std::fill(data + changed, data + kUserBlockBytes, 0);
  const std::size_t total = std::max(changed, kUserBlockBytes);
  const std::uint64_t version = seed % 4 == 3 ? seed / 4 : 1;
  const std::uint64_t length = total - kUserBlockBytes;
  const std::uint64_t digest = XXH3_64bits(data + kUserBlockBytes, length);
  std::memcpy(data, "INCUBATE", 8);
  std::memcpy(data + 8, &version, 8);
  std::memcpy(data + 16, &length, 8);
  std::memcpy(data + 24, &digest, 8);
  if (seed % 8 < 4) std::fill(data + 32, data + kUserBlockBytes, 0);
  return total;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace incubate;
  const MemoryFile file({reinterpret_cast<const char*>(data), size});
  const AllocationLimit limit((std::size_t{2} << 20) + (4 * size));
  try {
    verify_file(file.path());
    check_running(size >= kUserBlockBytes && std::memcmp(data, "INCUBATE", 8) == 0, "it verified what is not ours");
    const std::uint64_t digest = XXH3_64bits(data + kUserBlockBytes, size - kUserBlockBytes);
    check_running(stated_digest(file.path()) == fmt::format("{:016x}", digest), "it states another digest");
  } catch (const InputError&) {
  }
  try {
    stated_digest(file.path());
  } catch (const InputError&) {
  }
  return 0;
}
